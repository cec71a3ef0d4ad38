{{ config(materialized='view') }}
/*
Grain: a differential x derivation x with_bands: the ANC that its parts give (10^9/L), whether or not one was measured.
Rules: segs + bands, both absolute ('segs_plus_bands'); WBC x (neutrophils % + bands %) x 0.01 ('derived_wbc_pct').
segs % serves where neutrophils % is absent; absent bands % count 0. Nothing is derived from WBC <= 0, or from a
differential that is 0 throughout.
with_bands: the parts are read with bands added to the neutrophils, or as neutrophils that hold them already; bands are
always added to segs %, which never holds them. is_site_rule: the reading that the pipeline uses at this site.
is_possible: no percentages that add up to more than 100, and no ANC above 100, which no measured one may exceed either.
*/
with sited as (
    select d.*, patient.site, sites.includes_bands
    from {{ ref('int_differential') }} as d
    inner join {{ ref('int_observed_patient') }} as patient on d.patient_no = patient.patient_no
    inner join (
        select site, max(case when neutrophils_pct_includes_bands then 1 else 0 end) = 1 as includes_bands
        from {{ ref('stg_input_file') }}
        group by site
    ) as sites on patient.site = sites.site
),

readings as (
    select true as with_bands
    union all
    select false as with_bands
),

chosen as (
    select
        sited.*,
        readings.with_bands,
        case when has_neutrophils_pct then neutrophils_pct else segs_pct end as neutrophils_part,
        case when has_neutrophils_pct then neutrophils_pct_at else segs_pct_at end as neutrophils_part_at,
        case when has_neutrophils_pct then neutrophils_pct_key else segs_pct_key end as neutrophils_part_key,
        has_bands_pct and (readings.with_bands or not has_neutrophils_pct) as adds_bands,
        case
            when highest_other_part > 0 or segs_abs > 0 or bands_abs > 0 or bands_pct > 0
                or (has_neutrophils_pct and segs_pct > 0) then true
            else false
        end as has_other_part
    from sited
    cross join readings
),

summed as (
    select *, case when adds_bands then neutrophils_part + bands_pct else neutrophils_part end as neutrophils_sum
    from chosen
),

derived as (
    select
        patient_no,
        specimen_hash,
        exact_time,
        collected_on,
        site,
        has_measured_anc,
        measured_anc,
        'segs_plus_bands' as derivation,
        with_bands,
        with_bands as is_site_rule,
        bands_abs > 0 as has_bands,
        true as is_possible_sum,
        cast(case when with_bands then segs_abs + bands_abs else segs_abs end as decimal(20, 6)) as anc,
        least(segs_abs_at, bands_abs_at) as collected_at,
        segs_abs_key as first_part_key,
        bands_abs_key as second_part_key,
        null as third_part_key
    from summed
    where segs_abs is not null and bands_abs is not null
    union all
    select
        patient_no,
        specimen_hash,
        exact_time,
        collected_on,
        site,
        has_measured_anc,
        measured_anc,
        'derived_wbc_pct' as derivation,
        with_bands,
        with_bands <> includes_bands as is_site_rule,
        has_neutrophils_pct and coalesce(bands_pct, 0) > 0 as has_bands,
        neutrophils_sum <= 100 as is_possible_sum,
        cast(cast(wbc * cast(neutrophils_sum as decimal(14, 6)) * 0.01 as decimal(18, 6)) as decimal(20, 6)) as anc,
        case when adds_bands then least(wbc_at, neutrophils_part_at, bands_pct_at) else least(wbc_at, neutrophils_part_at) end
            as collected_at,
        wbc_key as first_part_key,
        neutrophils_part_key as second_part_key,
        case when adds_bands then bands_pct_key end as third_part_key
    from summed
    where wbc > 0 and (neutrophils_sum > 0 or (neutrophils_sum = 0 and has_other_part))
)

select
    *,
    is_possible_sum and anc <= 100 as is_possible
from derived
