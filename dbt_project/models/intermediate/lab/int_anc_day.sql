/*
Grain: definition x patient x day with a decided ANC (int_anc_classified). Only patients who are low under some definition.
Rules: values whose operator leaves the decision open are left out first. The day's value is the lowest of the rest, where
"<b" counts as just below b.
*/
with ranked as (
    select
        *,
        row_number() over (
            partition by definition_id, patient_no, collected_date
            order by anc asc, operator_order asc, lln asc nulls last, anc_record_key asc
        ) as rank_of_day
    from {{ ref('int_anc_classified') }}
    where is_decided
)

select
    definition_id,
    patient_no,
    collected_date,
    anc,
    operator,
    operator_order,
    lln,
    is_low,
    is_recovered,
    anc_record_key
from ranked
where rank_of_day = 1
