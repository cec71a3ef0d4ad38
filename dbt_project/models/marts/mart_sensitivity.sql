/*
Grain: a case definition. Shows how the result changes between definitions. Rates are per 100 person-years at risk up to the
first case episode; their intervals are in mart_incidence. Risk and rate are NULL if nobody has a count at risk.
*/
with members as (
    select definition_id, count(*) as n_patients
    from {{ ref('int_cohort_member') }}
    group by definition_id
),

never_tested as (
    select definition_id, count(*) as n_never_tested
    from {{ ref('int_never_tested') }}
    group by definition_id
),

risk as (
    select definition_id, sum(days_at_risk) as days_at_risk
    from {{ ref('int_risk_time') }}
    group by definition_id
),

cases as (
    select
        definition_id,
        count(*) as n_cases,
        sum(n_episodes) as n_episodes,
        sum(case when recurred then 1 else 0 end) as n_recurrent
    from {{ ref('mart_case_listing') }}
    group by definition_id
),

counted as (
    select
        definitions.definition_id,
        coalesce(members.n_patients, 0) as n_patients,
        coalesce(never_tested.n_never_tested, 0) as n_never_tested,
        coalesce(cases.n_cases, 0) as n_cases,
        coalesce(cases.n_episodes, 0) as n_episodes,
        coalesce(cases.n_recurrent, 0) as n_recurrent,
        risk.days_at_risk
    from {{ ref('dim_case_definition') }} as definitions
    left join members on definitions.definition_id = members.definition_id
    left join never_tested on definitions.definition_id = never_tested.definition_id
    left join risk on definitions.definition_id = risk.definition_id
    left join cases on definitions.definition_id = cases.definition_id
)

select
    definition_id,
    cast(n_patients as bigint) as n_patients,
    cast(n_never_tested as bigint) as n_never_tested,
    cast(n_cases as bigint) as n_cases,
    cast(n_episodes as bigint) as n_episodes,
    cast(n_recurrent as bigint) as n_recurrent,
    {{ if_tested('100.0 * n_cases / n_patients') }} as risk_pct,
    {{ if_tested('100.0 * n_cases / nullif(days_at_risk / 365.25, 0)') }} as rate_per_100py
from counted
