/*
Grain: a clinical event with its onset by the end of observation.
*/
select
    events.patient_no,
    events.event_type,
    events.onset_date,
    events.record_key,
    events.file_no,
    events.record_number
from {{ ref('int_current_clinical_event') }} as events
inner join {{ ref('int_observed_patient') }} as patient on events.patient_no = patient.patient_no
where events.onset_date <= patient.observation_end
