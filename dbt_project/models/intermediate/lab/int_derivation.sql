{{ config(materialized='view') }}
/*
Grain: differential x derivation x with_bands: the ANC derived from its parts (10^9/L), whether or not one was measured.
Rules: segs + bands, both absolute ('segs_plus_bands'); WBC x (neutrophils % + bands %) x 0.01 ('derived_wbc_pct').
If parts have several values, the ANC is computed from the lowest and from the highest of each; all other pairings lie
between. If both ends have the same meaning the lowest is used; otherwise the parts are from different draws and give no ANC.
no_anc_because, the first that applies: 'zero_differential' (all parts are 0), 'not_percentages' (int_differential_reading),
'ambiguous_parts' (the ends differ, or nothing could be derived at one of them); NULL if the parts give an ANC.
is_site_rule: with_bands is the reading of bands that the pipeline uses at this site.
is_possible: the percentages add up to at most 100, and the ANC is at most 100, the limit for measured ones too.
*/
with derived as (
    select
        patient_no,
        specimen_hash,
        exact_time,
        collected_date,
        site,
        has_measured_anc,
        measured_anc,
        'segs_plus_bands' as derivation,
        with_bands,
        with_bands as is_site_rule,
        bands_abs > 0 as has_bands,
        true as is_possible_sum,
        cast(case when with_bands then segs_abs + bands_abs else segs_abs end as decimal(20, 6)) as anc,
        cast(case when with_bands then segs_abs_high + bands_abs_high else segs_abs_high end as decimal(20, 6)) as anc_high,
        false as is_zero_throughout,
        false as is_not_percent,
        false as has_empty_pairing,
        least(segs_abs_at, bands_abs_at) as collected_at,
        segs_abs_key as first_part_key,
        bands_abs_key as second_part_key,
        null as third_part_key
    from {{ ref('int_differential_reading') }}
    where segs_abs is not null and bands_abs is not null
    union all
    select
        patient_no,
        specimen_hash,
        exact_time,
        collected_date,
        site,
        has_measured_anc,
        measured_anc,
        'derived_wbc_pct' as derivation,
        with_bands,
        with_bands <> includes_bands as is_site_rule,
        has_neutrophils_pct and coalesce(bands_pct, 0) > 0 as has_bands,
        neutrophils_sum <= 100 as is_possible_sum,
        {%- for end in ['', '_high'] %}
        cast(cast(wbc{{ end }} * cast(neutrophils_sum{{ end }} as decimal(14, 6)) * 0.01 as decimal(18, 6)) as decimal(20, 6))
            as anc{{ end }},
        {%- endfor %}
        neutrophils_sum_high = 0 and not has_other_part as is_zero_throughout,
        is_not_percent,
        wbc <= 0 or (neutrophils_sum = 0 and not has_other_part) as has_empty_pairing,
        case when adds_bands then least(wbc_at, neutrophils_part_at, bands_pct_at) else least(wbc_at, neutrophils_part_at) end
            as collected_at,
        wbc_key as first_part_key,
        neutrophils_part_key as second_part_key,
        case when adds_bands then bands_pct_key end as third_part_key
    from {{ ref('int_differential_reading') }}
    where wbc_high > 0 and neutrophils_sum is not null
)

select
    *,
    case
        when is_zero_throughout then 'zero_differential'
        when is_not_percent then 'not_percentages'
        when has_empty_pairing then 'ambiguous_parts'
        when anc < anc_high and not ({{ has_same_meaning('anc', 'anc_high') }}) then 'ambiguous_parts'
    end as no_anc_because,
    is_possible_sum and anc <= 100 as is_possible
from derived
