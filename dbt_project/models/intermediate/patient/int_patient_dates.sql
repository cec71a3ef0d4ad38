{{ config(materialized='view') }}
/*
Grain: a patient known to the registry (a current, not cancelled patients row). A view over the vault, never stored:
full birth dates. What other rows' dates are judged against.
*/
select patient_no, birth_on, death_on
from ({{ current_rows(ref('stg_patient'), ref('int_patient_set_aside')) }}) as current_patient
