/*
Grain: a recorded dose up to the end of observation: one per patient, drug and day, however many records there are. A
record that nothing was given is not a dose.
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
