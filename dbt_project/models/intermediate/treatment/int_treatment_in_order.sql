/*
Grain: a treatment of a patient with an attributed episode, in order (treatment_number): an anti-CD20 dose known in any way,
or the start of a line of any drug but G-CSF. Of several on one day anti-CD20 comes last, of these the alphabetically last.
What was given before a recurrence (int_recurrence) and after an episode (int_rechallenge) is read from the same rows.
*/
with attributed as (
    select distinct patient_no
    from {{ ref('int_episode_attributed') }}
    where attributed_drug is not null
),

treatments as (
    select patient_no, drug, drug_class, administered_on as event_on, true as is_dose,
        dose_source = 'recorded' as is_recorded_dose
    from {{ ref('int_dose') }}
    where drug_class = 'anti_cd20'
    union all
    select patient_no, drug, drug_class, start_on as event_on, false as is_dose,
        false as is_recorded_dose
    from {{ ref('int_treatment_line') }}
    where drug_class <> 'gcsf'
)

select
    treatments.patient_no,
    treatments.drug,
    treatments.drug_class,
    treatments.event_on,
    treatments.is_dose,
    treatments.is_recorded_dose,
    row_number() over (
        partition by treatments.patient_no
        order by
            treatments.event_on asc,
            case when treatments.drug_class = 'anti_cd20' then 2 else 1 end asc,
            treatments.drug asc,
            treatments.is_dose asc
    ) as treatment_number
from treatments
inner join attributed on treatments.patient_no = attributed.patient_no
