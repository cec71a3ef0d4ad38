/*
Grain: a clinical event with its onset by the end of observation.
*/
with events as (
    {{ current_rows(ref('stg_clinical_event'), ref('int_clinical_event_set_aside')) }}
)

select
    events.patient_no,
    events.event_type,
    events.onset_on,
    events.record_key,
    events.file_no,
    events.record_number
from events
inner join {{ ref('int_observed_patient') }} as patient on events.patient_no = patient.patient_no
where events.onset_on <= patient.observation_end
