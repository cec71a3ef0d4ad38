/*
Grain: a patient's day with a G-CSF dose; GM-CSF counts as G-CSF.
*/
select distinct patient_no, administered_date as gcsf_date
from {{ ref('int_dose') }}
where drug_class = 'gcsf'
