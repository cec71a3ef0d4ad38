/*
Grain: definition x patient in the cohort x drug: days at risk up to the first case episode's onset and ANC results on them,
with late effects after a switch assigned to the previous drug.
Rule: a day within attribution_days after the last dose of the anti-CD20 drug before the switch belongs to that drug; any
other day at risk belongs to the drug of the last dose. The days are those of the main analysis, so the sums are the same.
*/
with spans as (
    select
        definitions.definition_id,
        risk.patient_no,
        days.drug,
        days.previous_drug,
        risk.dose_date,
        least(risk.risk_to, coalesce(member.first_case_onset, risk.risk_to)) as risk_to,
        coalesce(
            {{ add_days('days.previous_drug_date', 'definitions.attribution_days') }}, risk.dose_date
        ) as late_effect_to
    from {{ ref('int_risk_interval') }} as risk
    inner join {{ ref('int_case_definition') }} as definitions on risk.attribution_days = definitions.attribution_days
    inner join {{ ref('int_cohort_member') }} as member
        on definitions.definition_id = member.definition_id and risk.patient_no = member.patient_no
    inner join {{ ref('int_anti_cd20_day') }} as days
        on risk.patient_no = days.patient_no and risk.dose_date = days.dose_date
),

divided as (
    select
        definition_id,
        patient_no,
        dose_date,
        previous_drug as drug,
        dose_date as after_date,
        least(risk_to, late_effect_to) as until_date
    from spans
    where previous_drug is not null
    union all
    select
        definition_id,
        patient_no,
        dose_date,
        drug,
        greatest(dose_date, late_effect_to) as after_date,
        risk_to as until_date
    from spans
),

days as (
    select
        definition_id,
        patient_no,
        drug,
        sum(greatest(0, {{ days_between('after_date', 'until_date') }})) as days_at_risk
    from divided
    group by definition_id, patient_no, drug
),

tests as (
    select divided.definition_id, divided.patient_no, divided.drug, count(*) as n_anc_tests
    from divided
    inner join {{ ref('int_anc_since_dose') }} as anc
        on divided.patient_no = anc.patient_no and divided.dose_date = anc.last_dose_date
    where anc.collected_date > divided.after_date and anc.collected_date <= divided.until_date
    group by divided.definition_id, divided.patient_no, divided.drug
)

select
    days.definition_id,
    days.patient_no,
    days.drug,
    days.days_at_risk,
    coalesce(tests.n_anc_tests, 0) as n_anc_tests
from days
left join tests
    on
        days.definition_id = tests.definition_id
        and days.patient_no = tests.patient_no
        and days.drug = tests.drug
