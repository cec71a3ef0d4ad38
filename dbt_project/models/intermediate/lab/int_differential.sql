/*
Grain: a differential (results from one specimen and day, or one exact time) with parts from which an ANC can be derived,
and the measured ANC of the same draw if there is one.
Rule: if a part has several values, the lowest and the highest are kept; for the measured ANC, the lowest. If any of them has
an operator, none is used (NULL). The time of a part is the earliest of its values.
<percentage>_exceeds_1: one of its values has a sign other than %, or its site and code send numbers above 1 with the sign %
in some current row. Otherwise the value may be a fraction with the wrong sign.
*/
with fraction_codes as (
    select percent_code_hash
    from {{ ref('int_current_lab_result') }}
    where percent_code_hash is not null
    group by percent_code_hash
    having max(canonical_value) <= 1
),

results as (
    select counts.*, fraction_codes.percent_code_hash is null as is_of_proven_code
    from {{ ref('int_blood_count') }} as counts
    left join fraction_codes on counts.percent_code_hash = fraction_codes.percent_code_hash
)

select
    patient_no,
    specimen_hash,
    exact_time,
    collected_date,
    count(case when analyte = 'anc' then 1 end) > 0 as has_measured_anc,
    count(case when analyte = 'neutrophils_pct' then 1 end) > 0 as has_neutrophils_pct,
    count(case when analyte = 'bands_pct' then 1 end) > 0 as has_bands_pct,
    case
        when count(case when analyte = 'anc' then operator end) = 0 then min(case when analyte = 'anc' then canonical_value end)
    end as measured_anc,
    {%- for part in ['segs_abs', 'bands_abs', 'wbc', 'neutrophils_pct', 'segs_pct', 'bands_pct'] %}
    {%- for lowest_or_highest, name in [('min', part), ('max', part ~ '_high')] %}
    case
        when count(case when analyte = '{{ part }}' then operator end) = 0
            then {{ lowest_or_highest }}(case when analyte = '{{ part }}' then canonical_value end)
    end as {{ name }},
    {%- endfor %}
    min(case when analyte = '{{ part }}' then collected_at end) as {{ part }}_at,
    {{ value_of_first(
        'record_key', ['canonical_value', 'collected_at', 'record_key'], "analyte = '" ~ part ~ "'") }} as {{ part }}_key,
    {%- endfor %}
    {%- for part in ['neutrophils_pct', 'segs_pct', 'bands_pct', 'lymphocytes_pct'] %}
    count(case when analyte = '{{ part }}' and is_of_proven_code then 1 end) > 0 as {{ part }}_exceeds_1,
    {%- endfor %}
    min(case when analyte = 'lymphocytes_pct' then canonical_value end) as lymphocytes_pct,
    max(case when analyte = 'lymphocytes_pct' then canonical_value end) as lymphocytes_pct_high,
    max(case
        when
            analyte in ('lymphocytes', 'lymphocytes_pct', 'segs_abs', 'bands_abs')
            and coalesce(operator, '>') not in ('<', '<=')
            then canonical_value
    end) as highest_other_part
from results
group by patient_no, specimen_hash, exact_time, collected_date
having
    (
        count(case when analyte = 'wbc' then 1 end) > 0
        and count(case when analyte in ('neutrophils_pct', 'segs_pct') then 1 end) > 0
    )
    or (
        count(case when analyte = 'segs_abs' then 1 end) > 0
        and count(case when analyte = 'bands_abs' then 1 end) > 0
    )
