/*
Grain: a patient known to the registry. Cohort membership, exclusion and person-years are those of the primary definition.
*/
with primary_definition as (
    select definitions.*
    from {{ ref('int_case_definition') }} as definitions
    inner join {{ source('config', 'study') }} as study on definitions.definition_id = study.primary_definition
),

risk as (
    select risk.patient_no, sum(risk.days_at_risk) as days_at_risk
    from {{ ref('int_risk_time') }} as risk
    inner join primary_definition on risk.definition_id = primary_definition.definition_id
    group by risk.patient_no
),

exclusion as (
    select exclusion.*
    from {{ ref('int_exclusion') }} as exclusion
    inner join primary_definition on exclusion.definition_id = primary_definition.definition_id
),

with_baseline as (
    select distinct anc.patient_no
    from {{ ref('int_anc') }} as anc
    inner join exclusion on anc.patient_no = exclusion.patient_no
    where {{ within_days_after('exclusion.index_date', 'anc.collected_date', fixed_windows().baseline_days) }}
)

select
    patient.patient_key,
    patient.site,
    patient.sex,
    cast(patient.birth_year as integer) as birth_year,
    cast({{ full_years_between('birth.birth_date', 'exclusion.index_date') }} as integer) as age_at_index,
    patient.ms_phenotype,
    patient.duffy_null,
    exclusion.first_drug,
    exclusion.index_date,
    patient.observation_end,
    case when patient.death_date <= patient.observation_end then patient.death_date end as death_date,
    follow_up.follow_up_end,
    cast(risk.days_at_risk as bigint) as days_at_risk,
    cast(risk.days_at_risk / 365.25 as double) as person_years,
    exclusion.exclusion_reason is null as in_cohort,
    exclusion.exclusion_reason,
    case when exclusion.index_date is not null then with_baseline.patient_no is null end as no_baseline_anc
from {{ ref('int_observed_patient') }} as patient
inner join exclusion on patient.patient_no = exclusion.patient_no
left join {{ ref('int_follow_up') }} as follow_up on patient.patient_no = follow_up.patient_no
left join {{ ref('int_current_patient') }} as birth on patient.patient_no = birth.patient_no
left join risk on patient.patient_no = risk.patient_no and exclusion.exclusion_reason is null
left join with_baseline on patient.patient_no = with_baseline.patient_no
