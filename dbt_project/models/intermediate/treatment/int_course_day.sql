/*
Grain: definition x patient x anti-CD20 dose day, with the first day of its course: doses of the class at most
attribution_days apart. For drugs given every four weeks, the days to onset are counted from here.
*/
with spaced as (
    select
        definitions.definition_id,
        days.patient_no,
        days.dose_date,
        case
            when
                days.previous_day is null
                or {{ days_between('days.previous_day', 'days.dose_date') }} > definitions.attribution_days
                then days.dose_date
        end as course_start
    from {{ ref('int_anti_cd20_day') }} as days
    cross join {{ ref('int_case_definition') }} as definitions
)

select
    definition_id,
    patient_no,
    dose_date,
    max(course_start) over (
        partition by definition_id, patient_no order by dose_date asc
        rows between unbounded preceding and current row
    ) as course_start
from spaced
