/*
Grain: a case definition. How the result moves between definitions; rates are per 100 person-years at risk up to the first
case episode. Their intervals are in mart_incidence.
*/
with members as (
    select definition_id, count(*) as n_patients
    from {{ ref('int_cohort_member') }}
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
)

select
    definitions.definition_id,
    cast(coalesce(members.n_patients, 0) as bigint) as n_patients,
    cast(coalesce(cases.n_cases, 0) as bigint) as n_cases,
    cast(coalesce(cases.n_episodes, 0) as bigint) as n_episodes,
    cast(coalesce(cases.n_recurrent, 0) as bigint) as n_recurrent,
    cast(100.0 * coalesce(cases.n_cases, 0) / nullif(members.n_patients, 0) as double) as risk_pct,
    cast(100.0 * coalesce(cases.n_cases, 0) / nullif(risk.days_at_risk / 365.25, 0) as double) as rate_per_100py
from {{ ref('dim_case_definition') }} as definitions
left join members on definitions.definition_id = members.definition_id
left join risk on definitions.definition_id = risk.definition_id
left join cases on definitions.definition_id = cases.definition_id
