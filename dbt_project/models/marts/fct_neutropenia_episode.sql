/*
Grain: definition x episode of neutropenia, of every patient, attributed or not, adjudicated or not; is_case_episode says
which count. episode_id is a hash of definition, patient and onset, so that it survives a refresh.
Severity is the nadir's grade on the definition's own scale.
*/
select
    episode_id,
    definition_id,
    patient_key,
    site,
    cast(episode_number as integer) as episode_number,
    onset_on as onset_date,
    last_normal_on as last_normal_date,
    nadir as nadir_anc_10e9_l,
    nadir_operator,
    nadir_on as nadir_date,
    {{ grade_on_scale_of(
        'severity_scale', 'nadir_low', 'nadir_high', 'is_nadir_low_open', 'is_nadir_high_open', 'nadir_lln') }} as severity,
    {{ grade(
        'ctcae_v5', 'nadir_low', 'nadir_high', 'is_nadir_low_open', 'is_nadir_high_open', 'nadir_lln') }} as ctcae_v5_grade,
    end_on as end_date,
    end_status,
    cast(duration_days as integer) as duration_days,
    cast(n_measurements as integer) as n_measurements,
    attributed_drug,
    previous_drug,
    last_dose_on as last_dose_date,
    cast(days_since_last_dose as integer) as days_since_last_dose,
    cast(dose_number as integer) as dose_number,
    dose_source,
    onset_type,
    gcsf_treated,
    gcsf_first_on as gcsf_first_date,
    cast(gcsf_doses as integer) as gcsf_doses,
    cast(n_gcsf_rebounds as integer) as n_gcsf_rebounds,
    infection,
    febrile,
    hospitalised,
    relapse_within_90d,
    other_suspect_drugs,
    treatment_action,
    next_drug,
    cast(recurrence_number as integer) as recurrence_number,
    continuation_possible,
    recurrence_context,
    adjudication,
    is_case_episode
from {{ ref('int_episode_judged') }}
