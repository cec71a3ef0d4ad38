/*
Grain: attribution window x treated patient x anti-CD20 dose day: the days at risk of this dose are those after it, up to
risk_to.
Rules: a day is at risk if it is 1 to attribution_days after any anti-CD20 dose and not after the end of follow-up. It
belongs to the drug of the last dose before it, so the day of the next dose still belongs to this dose.
*/
with windows as (
    select distinct attribution_days from {{ ref('int_case_definition') }}
)

select
    windows.attribution_days,
    days.patient_no,
    days.dose_date,
    days.drug,
    least(
        coalesce(days.next_day, follow_up.follow_up_end),
        {{ add_days('days.dose_date', 'windows.attribution_days') }},
        follow_up.follow_up_end
    ) as risk_to
from {{ ref('int_anti_cd20_day') }} as days
cross join windows
inner join {{ ref('int_follow_up') }} as follow_up on days.patient_no = follow_up.patient_no
