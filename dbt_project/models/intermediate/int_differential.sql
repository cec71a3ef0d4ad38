/*
Grain: a differential (results of one specimen and day, or of one exact time) that holds parts of which an ANC can be
derived, with the measured ANC of the same draw where there is one.
Rule: of several values of a part, or of the measured ANC, the lowest serves; one of them with an operator, and it serves
for nothing (NULL). The time of a part is the earliest of its values.
*/
select
    patient_no,
    specimen_hash,
    exact_time,
    collected_on,
    count(case when analyte = 'anc' then 1 end) > 0 as has_measured_anc,
    count(case when analyte = 'neutrophils_pct' then 1 end) > 0 as has_neutrophils_pct,
    count(case when analyte = 'bands_pct' then 1 end) > 0 as has_bands_pct,
    {%- for part in ['anc', 'segs_abs', 'bands_abs', 'wbc', 'neutrophils_pct', 'segs_pct', 'bands_pct'] %}
    case
        when count(case when analyte = '{{ part }}' then operator end) = 0
            then min(case when analyte = '{{ part }}' then canonical_value end)
    end as {{ 'measured_anc' if part == 'anc' else part }},
    {%- if part != 'anc' %}
    min(case when analyte = '{{ part }}' then collected_at end) as {{ part }}_at,
    {{ value_of_first(
        'record_key', ['canonical_value', 'collected_at', 'record_key'], "analyte = '" ~ part ~ "'") }} as {{ part }}_key,
    {%- endif %}
    {%- endfor %}
    max(case
        when analyte in ('lymphocytes', 'lymphocytes_pct') and coalesce(operator, '>') not in ('<', '<=')
            then canonical_value
    end) as highest_other_part
from {{ ref('int_blood_count') }}
group by patient_no, specimen_hash, exact_time, collected_on
having
    (
        count(case when analyte = 'wbc' then 1 end) > 0
        and count(case when analyte in ('neutrophils_pct', 'segs_pct') then 1 end) > 0
    )
    or (
        count(case when analyte = 'segs_abs' then 1 end) > 0
        and count(case when analyte = 'bands_abs' then 1 end) > 0
    )
