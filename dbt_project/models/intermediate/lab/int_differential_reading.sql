{{ config(materialized='view') }}
/*
Grain: differential x with_bands: the neutrophils in percent of the leukocytes, from the lowest to the highest value, and
whether the percentages contradict the sign %.
Rules: segs % is used if neutrophils % is absent; absent bands % count as 0. with_bands: bands are added to the neutrophils,
or these include them already; bands are always added to segs %, which never includes them.
is_not_percent: two or more percentages (neutrophils, bands above 0 that are added, lymphocytes) add up to 0.9 to 1.1 (they
are fractions), or to 85 to 105 % of the leukocytes (they are counts), or to at most 1.1 while none of their sites and codes
ever sends a number above 1. A single percentage: its site and code never send a number above 1.
Neutrophils of 0 are 0 in any unit. Source: registry design, values that contradict their unit.
*/
with chosen as (
    select
        d.*,
        patient.site,
        readings.includes_bands,
        readings.with_bands,
        {%- for column in ['', '_high', '_at', '_key', '_exceeds_1'] %}
        case when has_neutrophils_pct then neutrophils_pct{{ column }} else segs_pct{{ column }} end
            as neutrophils_part{{ column }},
        {%- endfor %}
        has_bands_pct and (readings.with_bands or not has_neutrophils_pct) as adds_bands,
        -- if another part of the differential is above 0, a zero was counted and not left blank
        coalesce(highest_other_part > 0, false)
        or coalesce(bands_pct > 0, false)
        or (has_neutrophils_pct and coalesce(segs_pct_high > 0, false)) as has_other_part
    from {{ ref('int_differential') }} as d
    inner join {{ ref('int_observed_patient') }} as patient on d.patient_no = patient.patient_no
    inner join {{ ref('int_bands_reading') }} as readings on patient.site = readings.site
),

summed as (
    select
        *,
        case when adds_bands then neutrophils_part + bands_pct else neutrophils_part end as neutrophils_sum,
        case when adds_bands then neutrophils_part_high + bands_pct_high else neutrophils_part_high end as neutrophils_sum_high,
        adds_bands and coalesce(bands_pct_high > 0, false) as adds_counted_bands,
        lymphocytes_pct is not null as has_lymphocytes_pct
    from chosen
),

compared as (
    select
        *,
        neutrophils_sum + coalesce(lymphocytes_pct, 0) as percentages,
        neutrophils_sum_high + coalesce(lymphocytes_pct_high, 0) as percentages_high,
        adds_counted_bands or has_lymphocytes_pct as has_several_percentages,
        not (
            neutrophils_part_exceeds_1
            or (adds_counted_bands and bands_pct_exceeds_1)
            or (has_lymphocytes_pct and lymphocytes_pct_exceeds_1)
        ) as never_exceeds_1
    from summed
)

select
    *,
    coalesce(neutrophils_sum_high > 0 and (
        (never_exceeds_1 and (percentages <= 1.1 or not has_several_percentages))
        or (has_several_percentages and percentages <= 1.1 and percentages_high >= 0.9)
        or (has_several_percentages and percentages <= wbc_high * 1.05 and percentages_high >= wbc * 0.85)
    ), false) as is_not_percent
from compared
