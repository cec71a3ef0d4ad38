/*
Grain: a patient known to the registry, with only the year of birth.
*/
select
    file_no,
    record_number,
    patient_no,
    patient_key,
    site,
    sex,
    extract(year from birth_date) as birth_year,
    ms_phenotype,
    ms_onset_date,
    duffy_null,
    last_contact_date,
    death_date,
    cell_defects
from {{ ref('int_current_patient') }}
