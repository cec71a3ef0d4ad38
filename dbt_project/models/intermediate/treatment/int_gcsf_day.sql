/*
Grain: a patient's day with a G-CSF dose; GM-CSF counts as G-CSF.
*/
select distinct patient_no, administered_on as gcsf_on
from {{ ref('int_dose') }}
where drug_class = 'gcsf'
