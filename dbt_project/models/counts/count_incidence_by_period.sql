/*
Grain: definition x stratum of count_incidence x period: first_year (on anti-CD20 treatment) or later.
mart_incidence_by_period estimates rates from these counts.
Rule: a patient counts in a period with at least one day at risk up to the first case episode. int_risk_time and
int_cohort_member decide to which period a day, an ANC and a case belong.
*/
with periods as (
    select 'first_year' as period
    union all
    select 'later' as period
),

facts as (
    -- each stratum has both periods
    select
        strata.definition_id,
        case when strata.stratum_type = 'site' then strata.stratum end as site,
        case when strata.stratum_type = 'drug' then strata.stratum end as drug,
        periods.period,
        cast(null as bigint) as patient_no,
        0 as days_at_risk,
        0 as n_anc_tests,
        0 as n_cases
    from {{ ref('count_incidence') }} as strata
    cross join periods
    union all
    select
        risk.definition_id,
        member.site,
        risk.drug,
        periods.period,
        risk.patient_no,
        case periods.period
            when 'first_year' then risk.days_at_risk_first_year
            else risk.days_at_risk - risk.days_at_risk_first_year
        end as days_at_risk,
        case periods.period
            when 'first_year' then risk.n_anc_tests_first_year
            else risk.n_anc_tests - risk.n_anc_tests_first_year
        end as n_anc_tests,
        0 as n_cases
    from {{ ref('int_risk_time') }} as risk
    inner join {{ ref('int_cohort_member') }} as member
        on risk.definition_id = member.definition_id and risk.patient_no = member.patient_no
    cross join periods
    union all
    select
        definition_id,
        site,
        first_case_drug as drug,
        case when is_case_of_first_year then 'first_year' else 'later' end as period,
        cast(null as bigint) as patient_no,
        0 as days_at_risk,
        0 as n_anc_tests,
        1 as n_cases
    from {{ ref('int_cohort_member') }}
    where first_case_onset is not null
),

in_strata as (
    {{ in_strata('facts', ['drug', 'site']) }}
)

select
    definition_id,
    stratum_type,
    stratum,
    period,
    count(distinct case when days_at_risk > 0 then patient_no end) as n_patients,
    count(distinct case when days_at_risk > 0 then patient_no end)
    - count(distinct case when n_anc_tests > 0 then patient_no end) as n_never_tested,
    cast(sum(n_cases) as bigint) as n_cases,
    cast(sum(days_at_risk) as bigint) as days_at_risk
from in_strata
group by definition_id, stratum_type, stratum, period
