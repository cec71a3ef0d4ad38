/* Grain: a dose (patient, drug, day): recorded, taken from a line, or assumed, as dose_source says. */
select
    patient.patient_key,
    dose.drug,
    dose.drug_class,
    dose.administered_date as administered_on,
    cast(dose.dose_number as integer) as dose_number,
    dose.dose_source
from {{ ref('int_dose') }} as dose
inner join {{ ref('int_observed_patient') }} as patient on dose.patient_no = patient.patient_no
