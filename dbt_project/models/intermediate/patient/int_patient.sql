/*
Grain: a patient known to the registry, with the birth year alone.
*/
select
    file_no,
    record_number,
    patient_no,
    patient_key,
    site,
    sex,
    extract(year from birth_on) as birth_year,
    ms_phenotype,
    ms_onset_on,
    duffy_null,
    last_contact_on,
    death_on,
    cell_defects
from {{ ref('int_current_patient') }}
