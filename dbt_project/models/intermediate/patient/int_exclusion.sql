/*
Grain: definition x patient: the index date and the first reason, in this order, that keeps the patient out of the cohort:
never_treated, missing_demographics (no birth date or sex), outside_enrolment, baseline_neutropenia (a low ANC by the
definition's own onset threshold within the 365 days up to and including the index date; baseline_low_date: the last one).
With several drugs on the index date, the alphabetically first is the first drug, as the last is the last drug of a day.
*/
with index_dates as (
    select patient_no, min(administered_date) as index_date
    from {{ ref('int_dose') }}
    where drug_class = 'anti_cd20'
    group by patient_no
),

first_drugs as (
    select dose.patient_no, min(dose.drug) as first_drug
    from {{ ref('int_dose') }} as dose
    inner join index_dates
        on dose.patient_no = index_dates.patient_no and dose.administered_date = index_dates.index_date
    where dose.drug_class = 'anti_cd20'
    group by dose.patient_no
),

low_at_baseline as (
    select anc_day.definition_id, anc_day.patient_no, max(anc_day.collected_date) as baseline_low_date
    from {{ ref('int_anc_day') }} as anc_day
    inner join index_dates on anc_day.patient_no = index_dates.patient_no
    where
        anc_day.is_low
        and {{ within_days_after('index_dates.index_date', 'anc_day.collected_date', fixed_windows().baseline_days) }}
    group by anc_day.definition_id, anc_day.patient_no
)

select
    definitions.definition_id,
    patient.patient_no,
    index_dates.index_date,
    first_drugs.first_drug,
    low_at_baseline.baseline_low_date,
    case
        when index_dates.index_date is null then 'never_treated'
        when patient.birth_year is null or patient.sex is null then 'missing_demographics'
        when index_dates.index_date < study.enrolment_start or index_dates.index_date > study.enrolment_end
            then 'outside_enrolment'
        when low_at_baseline.patient_no is not null then 'baseline_neutropenia'
    end as exclusion_reason
from {{ ref('int_observed_patient') }} as patient
cross join {{ ref('int_case_definition') }} as definitions
cross join {{ source('config', 'study') }} as study
left join index_dates on patient.patient_no = index_dates.patient_no
left join first_drugs on patient.patient_no = first_drugs.patient_no
left join low_at_baseline
    on patient.patient_no = low_at_baseline.patient_no and definitions.definition_id = low_at_baseline.definition_id
