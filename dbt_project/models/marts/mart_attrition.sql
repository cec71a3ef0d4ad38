/*
Grain: a step from all known patients to the primary definition's cohort. Each is excluded once, for the first reason that applies.
*/
with reasons as (
    select 1 as step, 'never_treated' as reason
    union all
    select 2 as step, 'missing_demographics' as reason
    union all
    select 3 as step, 'outside_enrolment' as reason
    union all
    select 4 as step, 'baseline_neutropenia' as reason
),

excluded as (
    select reasons.step, reasons.reason, count(patient.patient_key) as n_excluded
    from reasons
    left join {{ ref('dim_patient') }} as patient on reasons.reason = patient.exclusion_reason
    group by reasons.step, reasons.reason
),

known as (
    select count(*) as n_patients from {{ ref('dim_patient') }}
),

running as (
    select
        excluded.step,
        excluded.reason,
        excluded.n_excluded,
        known.n_patients - sum(excluded.n_excluded) over (
            order by excluded.step asc rows between unbounded preceding and current row
        ) as n_out
    from excluded
    cross join known
)

select
    cast(step as integer) as step,
    cast(n_out + n_excluded as bigint) as n_in,
    cast(n_excluded as bigint) as n_excluded,
    reason,
    cast(n_out as bigint) as n_out
from running
