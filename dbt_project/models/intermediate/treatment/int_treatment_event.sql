/*
Grain: a patient's documented treatment event: a recorded dose of an anti-CD20 drug, or the start of a line of any drug but
G-CSF. Doses set or assumed from a line are no documentation of their own.
*/
select patient_no, drug, drug_class, administered_on as event_on, 'dose' as event_kind
from {{ ref('int_recorded_dose') }}
where drug_class = 'anti_cd20'
union
select patient_no, drug, drug_class, start_on as event_on, 'line' as event_kind
from {{ ref('int_treatment_line') }}
where drug_class <> 'gcsf'
