/*
Grain: a line of disease-modifying therapy. n_doses: doses of its drug from its start to its end, including assumed ones
(none are assumed if the end is unknown).
*/
with doses as (
    select line.record_key, count(*) as n_doses
    from {{ ref('int_treatment_line') }} as line
    inner join {{ ref('int_dose') }} as dose
        on
            line.patient_no = dose.patient_no
            and line.drug = dose.drug
            and dose.administered_date >= line.start_date
            and dose.administered_date <= coalesce(line.end_date, line.observation_end)
            and (dose.dose_source <> 'assumed' or not line.end_unknown)
    group by line.record_key
)

select
    line.patient_key,
    {{ key_text('line.record_key') }} as treatment_key,
    cast(row_number() over (
        partition by line.patient_no order by line.start_date asc, line.drug asc, line.record_key asc
    ) as integer) as line_number,
    line.drug,
    line.drug_class,
    line.start_date,
    line.end_date,
    line.end_unknown,
    line.end_reason,
    coalesce(doses.n_doses, 0) as n_doses
from {{ ref('int_treatment_line') }} as line
left join doses on line.record_key = doses.record_key
