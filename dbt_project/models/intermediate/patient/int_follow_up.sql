/*
Grain: a patient, with the end of follow-up: the last documented contact up to the end of observation.
Rule: the latest of the recorded last contact, any lab result, any event's onset, any recorded dose of any drug, and any
line's start. Anything after the end of observation is not used. Assumed doses do not show that a patient is alive.
*/
with contacts as (
    select patient_no, last_contact_date as contact_date
    from {{ ref('int_observed_patient') }}
    where last_contact_date <= observation_end
    union all
    select lab_results.patient_no, max(lab_results.collected_date) as contact_date
    from {{ ref('int_current_lab_result') }} as lab_results
    inner join {{ ref('int_observed_patient') }} as patient on lab_results.patient_no = patient.patient_no
    where lab_results.collected_date <= patient.observation_end
    group by lab_results.patient_no
    union all
    select patient_no, max(onset_date) as contact_date from {{ ref('int_clinical_event') }} group by patient_no
    union all
    select patient_no, max(administered_date) as contact_date from {{ ref('int_recorded_dose') }} group by patient_no
    union all
    select patient_no, max(start_date) as contact_date from {{ ref('int_treatment_line') }} group by patient_no
)

select patient_no, max(contact_date) as follow_up_end
from contacts
group by patient_no
