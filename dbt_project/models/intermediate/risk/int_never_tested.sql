/*
Grain: definition x patient in the cohort without any ANC result on a day at risk up to the first case episode's onset.
No case can be seen in such a patient. If nobody in a stratum was tested, its risk and rate are unknown, not 0.
*/
with tests as (
    select definition_id, patient_no, sum(n_anc_tests) as n_anc_tests
    from {{ ref('int_risk_time') }}
    group by definition_id, patient_no
)

select member.definition_id, member.patient_no, member.patient_key, member.site, member.first_drug
from {{ ref('int_cohort_member') }} as member
left join tests on member.definition_id = tests.definition_id and member.patient_no = tests.patient_no
where coalesce(tests.n_anc_tests, 0) = 0
