/*
Grain: a clinical event with its onset by the end of observation.
*/
with events as (
    {{ current_rows(ref('stg_clinical_event'), ref('int_clinical_event_set_aside')) }}
)

select events.patient_no, events.event_type, events.onset_on
from events
inner join {{ ref('int_observed_patient') }} as patient on events.patient_no = patient.patient_no
where events.onset_on <= patient.observation_end
