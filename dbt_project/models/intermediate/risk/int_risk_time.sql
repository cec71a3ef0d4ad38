/*
Grain: definition x patient in the cohort x drug: days at risk up to the first case episode's onset, how many of these are
in the first year on anti-CD20 treatment (at most 365 days after the index date), and all days at risk; also the number of
ANC results on each of these sets of days. Why up to onset: more measurements find more cases, and after a case more is
measured because of it.
*/
with days as (
    select
        definitions.definition_id,
        risk.patient_no,
        member.patient_key,
        risk.drug,
        sum(greatest(0, {{ days_between(
            'risk.dose_date', 'least(risk.risk_to, coalesce(member.first_case_onset, risk.risk_to))'
        ) }})) as days_at_risk,
        sum(greatest(0, {{ days_between(
            'risk.dose_date',
            'least(risk.risk_to, coalesce(member.first_case_onset, risk.risk_to), '
            ~ end_of_first_year('member.index_date') ~ ')'
        ) }})) as days_at_risk_first_year,
        sum(greatest(0, {{ days_between('risk.dose_date', 'risk.risk_to') }})) as days_at_risk_total
    from {{ ref('int_risk_interval') }} as risk
    inner join {{ ref('int_case_definition') }} as definitions on risk.attribution_days = definitions.attribution_days
    inner join {{ ref('int_cohort_member') }} as member
        on definitions.definition_id = member.definition_id and risk.patient_no = member.patient_no
    group by definitions.definition_id, risk.patient_no, member.patient_key, risk.drug
),

tests as (
    select
        definitions.definition_id,
        anc.patient_no,
        anc.last_drug,
        count(case when anc.collected_date <= coalesce(member.first_case_onset, anc.collected_date) then 1 end) as n_anc_tests,
        count(case
            when
                anc.collected_date <= coalesce(member.first_case_onset, anc.collected_date)
                and anc.collected_date <= {{ end_of_first_year('member.index_date') }} then 1
        end) as n_anc_tests_first_year,
        count(*) as n_anc_tests_total
    from {{ ref('int_anc_since_dose') }} as anc
    inner join {{ ref('int_cohort_member') }} as member on anc.patient_no = member.patient_no
    inner join {{ ref('int_case_definition') }} as definitions
        on
            member.definition_id = definitions.definition_id
            and anc.days_since_last_dose <= definitions.attribution_days
    group by definitions.definition_id, anc.patient_no, anc.last_drug
)

select
    days.definition_id,
    days.patient_no,
    days.patient_key,
    days.drug,
    days.days_at_risk,
    days.days_at_risk_first_year,
    days.days_at_risk_total,
    coalesce(tests.n_anc_tests, 0) as n_anc_tests,
    coalesce(tests.n_anc_tests_first_year, 0) as n_anc_tests_first_year,
    coalesce(tests.n_anc_tests_total, 0) as n_anc_tests_total
from days
left join tests
    on
        days.definition_id = tests.definition_id
        and days.patient_no = tests.patient_no
        and days.drug = tests.last_drug
