/*
Grain: a patient, with the end of observation: the earlier of the site's cut-off and death. Later data are not used.
*/
select
    patient.patient_no,
    patient.patient_key,
    patient.site,
    patient.sex,
    patient.birth_year,
    patient.ms_phenotype,
    patient.ms_onset_date,
    patient.duffy_null,
    patient.last_contact_date,
    patient.death_date,
    case when patient.death_date < cutoff.cutoff_date then patient.death_date else cutoff.cutoff_date end as observation_end
from {{ ref('int_patient') }} as patient
inner join {{ ref('int_site_cutoff') }} as cutoff on patient.site = cutoff.site
