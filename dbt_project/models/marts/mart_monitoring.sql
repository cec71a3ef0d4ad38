/*
Grain: a patient under treatment: the last anti-CD20 dose at most 365 days before the end of observation.
anc_overdue: no ANC, or the last one is more than anc_interval_days (study setting) before the end of observation.
in_late_window: the end of observation is late_window_start_days to late_window_end_days (study settings, 3 to 6 months)
after the last dose, when late-onset neutropenia is most often found (median 90 days, range 2 to 156: Rossi 2022, MSARD
68:104090; median 4 months, quartiles 1 and 6: Waldrop 2025, 10.1212/NXI.0000000000200430).
open_episode, unresolved_episode: int_without_recovery.
switched_to: a drug out of the class whose line began after the last dose (without assumed doses, which prove nothing) and
has not ended. A short course of another drug is not a switch.
is_followed: alive, and under anti-CD20 treatment (no drug out of the class begun, or a line of the class still open) or with
an unresolved episode. Patients not seen for a long time are included, because these are the ones a clinic calls.
*/
with last_doses as (
    select
        patient_no,
        dose_date,
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

last_known_doses as (
    select patient_no, max(administered_date) as dose_date
    from {{ ref('int_dose') }}
    where drug_class = 'anti_cd20' and dose_source <> 'assumed'
    group by patient_no
),

switches as (
    select
        line.patient_no,
        line.drug,
        row_number() over (partition by line.patient_no order by line.start_date desc, line.drug desc) as from_last
    from {{ ref('int_treatment_line') }} as line
    inner join last_known_doses on line.patient_no = last_known_doses.patient_no
    where line.drug_class = 'other' and line.start_date > last_known_doses.dose_date
        and line.end_date is null and not line.end_unknown
),

open_lines as (
    select distinct patient_no
    from {{ ref('int_treatment_line') }}
    where drug_class = 'anti_cd20' and end_date is null and not end_unknown
)

select
    patient.patient_key,
    patient.site,
    last_doses.dose_date as last_dose_date,
    last_doses.drug as last_drug,
    last_count.collected_on as last_anc_date,
    cast({{ days_between('last_count.collected_on', 'patient.observation_end') }} as integer) as days_since_anc,
    last_count.anc_10e9_l as last_anc_10e9_l,
    last_count.operator as last_anc_operator,
    last_count.severity as last_severity,
    coalesce({{ days_between('last_count.collected_on', 'patient.observation_end') }} > study.anc_interval_days, true)
        as anc_overdue,
    coalesce(without_recovery.is_open, false) as open_episode,
    cast({{ days_between('last_doses.dose_date', 'patient.observation_end') }} as integer) as days_since_last_dose,
    {{ days_between('last_doses.dose_date', 'patient.observation_end') }}
    between study.late_window_start_days and study.late_window_end_days as in_late_window,
    coalesce(patient.death_date <= patient.observation_end, false) as deceased,
    coalesce(without_recovery.is_unresolved, false) as unresolved_episode,
    switches.drug as switched_to,
    follow_up.follow_up_end as last_contact_date,
    not coalesce(patient.death_date <= patient.observation_end, false)
    and (
        switches.patient_no is null
        or open_lines.patient_no is not null
        or coalesce(without_recovery.is_unresolved, false)
    ) as is_followed
from {{ ref('int_observed_patient') }} as patient
inner join last_doses on patient.patient_no = last_doses.patient_no
inner join {{ ref('int_follow_up') }} as follow_up on patient.patient_no = follow_up.patient_no
cross join {{ source('config', 'study') }} as study
left join ranked_counts as last_count on patient.patient_key = last_count.patient_key and last_count.from_last = 1
left join {{ ref('int_without_recovery') }} as without_recovery on patient.patient_no = without_recovery.patient_no
left join switches on patient.patient_no = switches.patient_no and switches.from_last = 1
left join open_lines on patient.patient_no = open_lines.patient_no
where {{ within_days_after('patient.observation_end', 'last_doses.dose_date', 365) }}
