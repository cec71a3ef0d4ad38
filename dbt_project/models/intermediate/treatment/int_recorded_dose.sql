/*
Grain: a recorded dose: one a patient, drug and day, whatever its number of records, up to the end of observation. A record
which says that nothing was given is none.
*/
select
    administrations.patient_no,
    administrations.drug,
    drugs.drug_class,
    administrations.administered_date,
    count(*) as n_records
from {{ ref('int_current_administration') }} as administrations
inner join {{ ref('int_observed_patient') }} as patient on administrations.patient_no = patient.patient_no
inner join {{ ref('drugs') }} as drugs on administrations.drug = drugs.drug
where administrations.is_given and administrations.administered_date <= patient.observation_end
group by administrations.patient_no, administrations.drug, drugs.drug_class, administrations.administered_date
