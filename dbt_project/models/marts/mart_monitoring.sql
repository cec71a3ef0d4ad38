/*
Grain: a patient under treatment: the last anti-CD20 dose at most 365 days before the end of observation.
anc_overdue: no ANC, or the last one lies more than anc_interval_days (study setting) before the end of observation.
in_late_window: the end of observation lies late_window_start_days to late_window_end_days (study settings, 3 to 6 months)
after the last dose, when late-onset neutropenia is most often found (median 90 days, range 2 to 156: Rossi 2022, MSARD
68:104090; median 4 months, quartiles 1 and 6: Waldrop 2025, 10.1212/NXI.0000000000200430).
*/
with last_doses as (
    select
        patient_no,
        dose_on,
        drug
    from {{ ref('int_anti_cd20_day') }}
    where next_day is null
),

ranked_counts as (
    select
        *,
        row_number() over (
            partition by patient_key
            order by collected_on desc, anc_10e9_l asc, {{ operator_order('operator') }} asc, anc_key asc
        ) as from_last
    from {{ ref('fct_anc') }}
),

open_episodes as (
    select distinct episode.patient_key
    from {{ ref('fct_neutropenia_episode') }} as episode
    inner join {{ ref('dim_case_definition') }} as definitions on episode.definition_id = definitions.definition_id
    where definitions.is_primary and episode.end_status = 'ongoing'
)

select
    patient.patient_key,
    patient.site,
    last_doses.dose_on as last_dose_date,
    last_doses.drug as last_drug,
    last_count.collected_on as last_anc_date,
    cast({{ days_between('last_count.collected_on', 'patient.observation_end') }} as integer) as days_since_anc,
    last_count.anc_10e9_l as last_anc_10e9_l,
    last_count.operator as last_anc_operator,
    last_count.severity as last_severity,
    coalesce({{ days_between('last_count.collected_on', 'patient.observation_end') }} > study.anc_interval_days, true)
        as anc_overdue,
    open_episodes.patient_key is not null as open_episode,
    cast({{ days_between('last_doses.dose_on', 'patient.observation_end') }} as integer) as days_since_last_dose,
    {{ days_between('last_doses.dose_on', 'patient.observation_end') }}
    between study.late_window_start_days and study.late_window_end_days as in_late_window,
    coalesce(patient.death_on <= patient.observation_end, false) as deceased
from {{ ref('int_observed_patient') }} as patient
inner join last_doses on patient.patient_no = last_doses.patient_no
cross join {{ source('config', 'study') }} as study
left join ranked_counts as last_count on patient.patient_key = last_count.patient_key and last_count.from_last = 1
left join open_episodes on patient.patient_key = open_episodes.patient_key
where {{ within_days_after('patient.observation_end', 'last_doses.dose_on', 365) }}
