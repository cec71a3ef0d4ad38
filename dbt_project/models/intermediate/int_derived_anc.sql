/*
Grain: an ANC derived from its parts, where the differential has no measured one.
Rules, in this order: segs + bands, both absolute, of one differential ('segs_plus_bands'); else
WBC x (neutrophils % + bands %) x 0.01 ('derived_wbc_pct'). segs % serves where neutrophils % is absent; absent bands %
count 0; bands % are not added to a neutrophils % that includes them at this site. Of several values of a part the
lowest serves; one of them with an operator, and the part serves for nothing. Nothing is derived from WBC <= 0, or from
a differential that is 0 throughout; nor beyond 100 x 10^9/L, which no measured ANC may exceed either. The time is the
earliest of the parts used.
*/
with parts as (
    select
        *,
        row_number() over (
            partition by patient_no, specimen_hash, exact_time, collected_on, analyte
            order by canonical_value asc, collected_at asc, record_key asc
        ) as rank_of_value,
        min(collected_at) over (
            partition by patient_no, specimen_hash, exact_time, collected_on, analyte
        ) as part_at,
        count(operator) over (
            partition by patient_no, specimen_hash, exact_time, collected_on, analyte
        ) > 0 as has_operator
    from {{ ref('int_blood_count') }}
),

lowest as (
    select * from parts
    where rank_of_value = 1
),

differentials as (
    select
        patient_no,
        specimen_hash,
        exact_time,
        collected_on,
        max(case when analyte = 'anc' then 1 else 0 end) as has_measured_anc,
        {%- for part in ['segs_abs', 'bands_abs', 'wbc', 'neutrophils_pct', 'segs_pct', 'bands_pct'] %}
        max(case when analyte = '{{ part }}' then 1 else 0 end) as has_{{ part }},
        max(case when analyte = '{{ part }}' and not has_operator then canonical_value end) as {{ part }},
        max(case when analyte = '{{ part }}' then part_at end) as {{ part }}_at,
        max(case when analyte = '{{ part }}' then record_key end) as {{ part }}_key,
        {%- endfor %}
        max(case
            when analyte in ('lymphocytes', 'lymphocytes_pct') and coalesce(operator, '>') not in ('<', '<=')
                then canonical_value
        end) as highest_other_part
    from lowest
    group by patient_no, specimen_hash, exact_time, collected_on
    having max(case when analyte = 'anc' then 1 else 0 end) = 0
),

sited as (
    select d.*, sites.includes_bands
    from differentials as d
    inner join {{ ref('int_observed_patient') }} as patient on d.patient_no = patient.patient_no
    inner join (
        select site, max(case when neutrophils_pct_includes_bands then 1 else 0 end) as includes_bands
        from {{ ref('stg_input_file') }}
        group by site
    ) as sites on patient.site = sites.site
),

chosen as (
    select
        *,
        segs_abs is not null and bands_abs is not null as from_absolutes,
        case when has_neutrophils_pct = 1 then neutrophils_pct else segs_pct end as neutrophils_part,
        case when has_neutrophils_pct = 1 then neutrophils_pct_at else segs_pct_at end as neutrophils_part_at,
        case when has_neutrophils_pct = 1 then neutrophils_pct_key else segs_pct_key end as neutrophils_part_key,
        has_bands_pct = 1 and not (has_neutrophils_pct = 1 and includes_bands = 1) as adds_bands
    from sited
),

summed as (
    select
        *,
        case
            when adds_bands then neutrophils_part + bands_pct
            else neutrophils_part
        end as neutrophils_sum,
        case
            when highest_other_part > 0 or segs_abs > 0 or bands_abs > 0 or bands_pct > 0
                or (has_neutrophils_pct = 1 and segs_pct > 0) then true
            else false
        end as has_other_part
    from chosen
),

derived as (
    select
        *,
        case
            when from_absolutes then cast(segs_abs + bands_abs as decimal(18, 6))
            when wbc > 0 and (neutrophils_sum > 0 or (neutrophils_sum = 0 and has_other_part))
                then cast(wbc * cast(neutrophils_sum as decimal(14, 6)) * 0.01 as decimal(18, 6))
        end as anc
    from summed
)

select
    patient_no,
    collected_on,
    case when from_absolutes then 'segs_plus_bands' else 'derived_wbc_pct' end as derivation,
    anc,
    case
        when from_absolutes then least(segs_abs_at, bands_abs_at)
        when adds_bands then least(wbc_at, neutrophils_part_at, bands_pct_at)
        else least(wbc_at, neutrophils_part_at)
    end as collected_at,
    case when from_absolutes then segs_abs_key else wbc_key end as first_part_key,
    case when from_absolutes then bands_abs_key else neutrophils_part_key end as second_part_key,
    case when not from_absolutes and adds_bands then bands_pct_key end as third_part_key
from derived
where anc <= 100
