/*
Grain: definition x patient in that definition's cohort. has_died: died during observation. Whether the first case episode
is in the first year on treatment follows the same rule as for days at risk.
*/
select
    exclusion.definition_id,
    exclusion.patient_no,
    patient.patient_key,
    patient.site,
    exclusion.first_drug,
    exclusion.index_date,
    follow_up.follow_up_end,
    coalesce(patient.death_date <= patient.observation_end, false) as has_died,
    first_case.first_case_onset,
    first_case.first_case_drug,
    first_case.first_case_onset <= {{ end_of_first_year('exclusion.index_date') }} as is_case_of_first_year
from {{ ref('int_exclusion') }} as exclusion
inner join {{ ref('int_observed_patient') }} as patient on exclusion.patient_no = patient.patient_no
inner join {{ ref('int_follow_up') }} as follow_up on exclusion.patient_no = follow_up.patient_no
left join {{ ref('int_first_case') }} as first_case
    on exclusion.definition_id = first_case.definition_id and exclusion.patient_no = first_case.patient_no
where exclusion.exclusion_reason is null
