/*
Grain: definition x patient x run of measurements, closed by a recovery or by a gap of more than max_gap_days.
Why: exactly these two end an episode, and outside an episode they change nothing. So each run contains at most one
episode, which begins at its first low value.
*/
with measured as (
    select
        anc_day.*,
        definitions.max_gap_days,
        lag(anc_day.collected_date) over by_patient as previous_date,
        lag(anc_day.is_recovered) over by_patient as is_after_recovery
    from {{ ref('int_anc_day') }} as anc_day
    inner join {{ ref('int_case_definition') }} as definitions on anc_day.definition_id = definitions.definition_id
    window by_patient as (partition by anc_day.definition_id, anc_day.patient_no order by anc_day.collected_date asc)
),

numbered as (
    select
        *,
        sum(case
            when is_after_recovery or {{ days_between('previous_date', 'collected_date') }} > max_gap_days then 1
            else 0
        end) over (
            partition by definition_id, patient_no order by collected_date asc
            rows between unbounded preceding and current row
        ) as run_number
    from measured
),

from_first_low as (
    select
        *,
        min(case when is_low then collected_date end) over (partition by definition_id, patient_no, run_number)
            as first_low_date
    from numbered
)

select
    definition_id,
    patient_no,
    run_number,
    collected_date,
    anc,
    operator,
    operator_order,
    lln,
    is_low,
    is_recovered,
    anc_record_key
from from_first_low
where collected_date >= first_low_date
