/*
Grain: definition x patient in the cohort x anti-CD20 drug with a dose of it before the first case episode.
*/
select distinct member.definition_id, member.patient_no, member.patient_key, dose.drug
from {{ ref('int_cohort_member') }} as member
inner join {{ ref('int_dose') }} as dose on member.patient_no = dose.patient_no
where
    dose.drug_class = 'anti_cd20'
    and (member.first_case_onset is null or dose.administered_on < member.first_case_onset)
