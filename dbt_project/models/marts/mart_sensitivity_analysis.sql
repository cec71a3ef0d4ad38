/*
Grain: definition x analysis x stratum (overall, drug). Shows how the result changes with another choice:
    main                         as in mart_sensitivity and mart_incidence
    without_duffy_null           without patients known to be Duffy-null, whose counts are low by nature (JAMA 2023, 329:2088)
    with_baseline_anc            without patients who had no ANC in the year before treatment
    late_effects_to_drug_before  after a switch, cases and time within attribution_days of the previous drug's last dose
                                 count for that drug; the overall result is the same
Rates are per 100 person-years at risk up to the first case episode. Risk and rate are NULL if nobody has a count at risk.
*/
with analyses as (
    {% for analysis, attribution in [
        ('main', 'last_drug'), ('without_duffy_null', 'last_drug'), ('with_baseline_anc', 'last_drug'),
        ('late_effects_to_drug_before', 'drug_before')
    ] %}
    select '{{ analysis }}' as analysis, '{{ attribution }}' as attribution
    {{ "union all" if not loop.last }}
    {% endfor %}
),

members as (
    select analyses.analysis, analyses.attribution, member.definition_id, member.patient_no
    from {{ ref('int_cohort_member') }} as member
    inner join {{ ref('dim_patient') }} as patient on member.patient_key = patient.patient_key
    cross join analyses
    where
        (analyses.analysis <> 'without_duffy_null' or not coalesce(patient.duffy_null, false))
        and (analyses.analysis <> 'with_baseline_anc' or not patient.no_baseline_anc)
),

by_drug as (
    select
        members.analysis,
        members.definition_id,
        facts.drug,
        sum(facts.exposed) as n_patients,
        sum(case when facts.exposed > 0 and facts.n_anc_tests = 0 then 1 else 0 end) as n_never_tested,
        {%- for sum in ['n_cases', 'n_episodes', 'n_recurrent', 'days_at_risk'] %}
        sum(facts.{{ sum }}) as {{ sum }}{{ "," if not loop.last }}
        {%- endfor %}
    from members
    inner join {{ ref('int_sensitivity_drug') }} as facts
        on
            members.attribution = facts.attribution
            and members.definition_id = facts.definition_id
            and members.patient_no = facts.patient_no
    group by members.analysis, members.definition_id, facts.drug
),

cohorts as (
    select
        members.analysis,
        members.definition_id,
        count(*) as n_patients,
        count(never_tested.patient_no) as n_never_tested
    from members
    left join {{ ref('int_never_tested') }} as never_tested
        on members.definition_id = never_tested.definition_id and members.patient_no = never_tested.patient_no
    group by members.analysis, members.definition_id
),

sums as (
    select
        analysis,
        definition_id,
        {%- for sum in ['n_cases', 'n_episodes', 'n_recurrent', 'days_at_risk'] %}
        sum({{ sum }}) as {{ sum }}{{ "," if not loop.last }}
        {%- endfor %}
    from by_drug
    group by analysis, definition_id
),

strata as (
    select definitions.definition_id, analyses.analysis, 'overall' as stratum_type, 'all' as stratum, cohorts.n_patients,
        cohorts.n_never_tested, sums.n_cases, sums.n_episodes, sums.n_recurrent, sums.days_at_risk
    from {{ ref('dim_case_definition') }} as definitions
    cross join analyses
    left join cohorts
        on definitions.definition_id = cohorts.definition_id and analyses.analysis = cohorts.analysis
    left join sums on definitions.definition_id = sums.definition_id and analyses.analysis = sums.analysis
    union all
    select definition_id, analysis, 'drug' as stratum_type, drug as stratum, n_patients, n_never_tested, n_cases, n_episodes,
        n_recurrent, days_at_risk
    from by_drug
)

select
    definition_id,
    analysis,
    stratum_type,
    stratum,
    cast(coalesce(n_patients, 0) as bigint) as n_patients,
    cast(coalesce(n_never_tested, 0) as bigint) as n_never_tested,
    cast(coalesce(n_cases, 0) as bigint) as n_cases,
    cast(coalesce(n_episodes, 0) as bigint) as n_episodes,
    cast(coalesce(n_recurrent, 0) as bigint) as n_recurrent,
    {{ if_tested('100.0 * coalesce(n_cases, 0) / n_patients') }} as risk_pct,
    cast(coalesce(days_at_risk, 0) / 365.25 as double) as person_years,
    {{ if_tested('100.0 * coalesce(n_cases, 0) / nullif(days_at_risk / 365.25, 0)') }} as rate_per_100py
from strata
