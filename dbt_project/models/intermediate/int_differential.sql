/*
Grain: a differential (results of one specimen and day, or of one exact time) that holds parts of which an ANC can be
derived, with the measured ANC of the same draw where there is one.
Rule: of several values of a part, or of the measured ANC, the lowest serves; one of them with an operator, and it serves
for nothing (NULL). The time of a part is the earliest of its values.
*/
with ranked as (
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
    select * from ranked
    where rank_of_value = 1
)

select
    patient_no,
    specimen_hash,
    exact_time,
    collected_on,
    max(case when analyte = 'anc' then 1 else 0 end) = 1 as has_measured_anc,
    max(case when analyte = 'anc' and not has_operator then canonical_value end) as measured_anc,
    max(case when analyte = 'neutrophils_pct' then 1 else 0 end) = 1 as has_neutrophils_pct,
    max(case when analyte = 'bands_pct' then 1 else 0 end) = 1 as has_bands_pct,
    {%- for part in ['segs_abs', 'bands_abs', 'wbc', 'neutrophils_pct', 'segs_pct', 'bands_pct'] %}
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
having
    (
        max(case when analyte = 'wbc' then 1 else 0 end) = 1
        and max(case when analyte in ('neutrophils_pct', 'segs_pct') then 1 else 0 end) = 1
    )
    or (
        max(case when analyte = 'segs_abs' then 1 else 0 end) = 1
        and max(case when analyte = 'bands_abs' then 1 else 0 end) = 1
    )
