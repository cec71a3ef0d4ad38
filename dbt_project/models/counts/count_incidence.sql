/*
Grain: definition x stratum (overall, drug, site). mart_incidence estimates risk and rate from these counts.
Rules: a patient counts for each drug taken before the first case episode, a case for the drug of that episode, a day and an ANC
for the drug of the last dose before it, an episode for the drug to which it is attributed. A definition with an empty cohort
still has its row.
*/
with facts as (
    select definition_id, cast(null as varchar) as site, cast(null as varchar) as drug, 'members' as measure, 0 as n
    from {{ ref('int_case_definition') }}
    union all
    select definition_id, site, cast(null as varchar) as drug, 'members' as measure, count(*) as n
    from {{ ref('int_cohort_member') }}
    group by definition_id, site
    union all
    select definition_id, site, cast(null as varchar) as drug, 'members_never_tested' as measure, count(*) as n
    from {{ ref('int_never_tested') }}
    group by definition_id, site
    union all
    select definition_id, cast(null as varchar) as site, drug, 'exposed' as measure, count(*) as n
    from {{ ref('int_drug_exposed') }}
    group by definition_id, drug
    union all
    select definition_id, cast(null as varchar) as site, drug, 'exposed_never_tested' as measure, count(*) as n
    from {{ ref('int_drug_exposed') }}
    where is_never_tested
    group by definition_id, drug
    union all
    select definition_id, site, first_case_drug as drug, 'cases' as measure, count(*) as n
    from {{ ref('int_cohort_member') }}
    where first_case_onset is not null
    group by definition_id, site, first_case_drug
    union all
    select definition_id, site, attributed_drug as drug, 'episodes' as measure, count(*) as n
    from {{ ref('int_episode_final') }}
    where is_case_episode
    group by definition_id, site, attributed_drug
    {%- for measure in ['days_at_risk', 'days_at_risk_total', 'n_anc_tests', 'n_anc_tests_total'] %}
    union all
    select risk.definition_id, member.site, risk.drug, '{{ measure }}' as measure, sum(risk.{{ measure }}) as n
    from {{ ref('int_risk_time') }} as risk
    inner join {{ ref('int_cohort_member') }} as member
        on risk.definition_id = member.definition_id and risk.patient_no = member.patient_no
    group by risk.definition_id, member.site, risk.drug
    {%- endfor %}
),

in_strata as (
    {{ in_strata('facts', ['drug', 'site']) }}
),

strata as (
    select
        definition_id,
        stratum_type,
        stratum,
        {%- for measure in ['members', 'members_never_tested', 'exposed', 'exposed_never_tested', 'cases', 'episodes',
            'days_at_risk', 'days_at_risk_total', 'n_anc_tests', 'n_anc_tests_total'] %}
        cast(sum(case when measure = '{{ measure }}' then n else 0 end) as bigint) as {{ measure }}{{ "," if not loop.last }}
        {%- endfor %}
    from in_strata
    group by definition_id, stratum_type, stratum
)

select
    definition_id,
    stratum_type,
    stratum,
    case when stratum_type = 'drug' then exposed else members end as n_patients,
    case when stratum_type = 'drug' then exposed_never_tested else members_never_tested end as n_never_tested,
    cases as n_cases,
    days_at_risk,
    days_at_risk_total,
    n_anc_tests,
    n_anc_tests_total,
    episodes as n_episodes
from strata
