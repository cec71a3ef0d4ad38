/*
Grain: definition x patient in the cohort x anti-CD20 drug given before the first case episode.
is_never_tested: no ANC result on this drug's days at risk up to that episode's onset.
*/
with exposed as (
    select distinct member.definition_id, member.patient_no, member.patient_key, dose.drug
    from {{ ref('int_cohort_member') }} as member
    inner join {{ ref('int_dose') }} as dose on member.patient_no = dose.patient_no
    where
        dose.drug_class = 'anti_cd20'
        and (member.first_case_onset is null or dose.administered_date < member.first_case_onset)
)

select
    exposed.definition_id,
    exposed.patient_no,
    exposed.patient_key,
    exposed.drug,
    coalesce(risk.n_anc_tests, 0) = 0 as is_never_tested
from exposed
left join {{ ref('int_risk_time') }} as risk
    on
        exposed.definition_id = risk.definition_id
        and exposed.patient_no = risk.patient_no
        and exposed.drug = risk.drug
