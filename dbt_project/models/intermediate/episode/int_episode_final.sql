/*
Grain: definition x patient x episode, with everything that is published about it.
Rules: a chart review judges attributed episodes of patients in that definition's cohort. A case episode is one of these
that was not adjudicated other_cause or lab_error.
severity: the nadir's grade on the definition's own scale. is_severe: the nadir is below 0.5, whatever the scale.
possibly_severe: the nadir is only a bound, which leaves this open.
*/
with joined as (
    select
        episode.episode_id,
        episode.definition_id,
        episode.patient_no,
        patient.patient_key,
        patient.site,
        episode.episode_number,
        episode.onset_date,
        episode.last_normal_date,
        episode.end_date,
        episode.end_status,
        case when episode.end_status = 'recovered' then {{ days_between('episode.onset_date', 'episode.end_date') }} end
            as duration_days,
        episode.last_measured_date,
        episode.n_measurements,
        episode.n_gcsf_rebounds,
        episode.nadir,
        episode.nadir_operator,
        episode.nadir_date,
        {{ interval_low('episode.nadir', 'episode.nadir_operator') }} as nadir_low,
        {{ interval_high('episode.nadir', 'episode.nadir_operator') }} as nadir_high,
        coalesce(episode.nadir_operator = '>', false) as is_nadir_low_open,
        coalesce(episode.nadir_operator = '<', false) as is_nadir_high_open,
        episode.nadir_lln,
        definitions.severity_scale,
        attributed.attributed_drug,
        attributed.previous_drug,
        attributed.last_dose_date,
        attributed.days_since_last_dose,
        attributed.dose_number,
        attributed.dose_source,
        attributed.onset_type,
        complications.gcsf_treated,
        complications.gcsf_first_date,
        complications.gcsf_doses,
        complications.infection,
        complications.febrile,
        complications.hospitalised,
        complications.relapse_within_90d,
        suspect.other_suspect_drugs,
        action.treatment_action,
        action.next_drug,
        recurrence.recurrence_number,
        coalesce(recurrence.continuation_possible, false) as continuation_possible,
        recurrence.recurrence_context,
        review.verdict as adjudication,
        attributed.attributed_drug is not null and exclusion.exclusion_reason is null as is_for_review,
        attributed.attributed_drug is not null
        and exclusion.exclusion_reason is null
        and coalesce(review.verdict, 'confirmed') = 'confirmed' as is_case_episode
    from {{ ref('int_episode') }} as episode
    inner join {{ ref('int_observed_patient') }} as patient on episode.patient_no = patient.patient_no
    inner join {{ ref('int_case_definition') }} as definitions on episode.definition_id = definitions.definition_id
    inner join {{ ref('int_episode_attributed') }} as attributed on episode.episode_id = attributed.episode_id
    inner join {{ ref('int_episode_complication') }} as complications on episode.episode_id = complications.episode_id
    inner join {{ ref('int_exclusion') }} as exclusion
        on episode.definition_id = exclusion.definition_id and episode.patient_no = exclusion.patient_no
    left join {{ ref('int_treatment_action') }} as action on episode.episode_id = action.episode_id
    left join {{ ref('int_recurrence') }} as recurrence on episode.episode_id = recurrence.episode_id
    left join {{ ref('int_episode_suspect') }} as suspect on episode.episode_id = suspect.episode_id
    left join {{ ref('int_episode_review') }} as review on episode.episode_id = review.episode_id
),

graded as (
    select
        *,
        {{ grade_on_scale_of(
            'severity_scale', 'nadir_low', 'nadir_high', 'is_nadir_low_open', 'is_nadir_high_open', 'nadir_lln') }} as severity,
        {{ grade(
            'ctcae_v5', 'nadir_low', 'nadir_high', 'is_nadir_low_open', 'is_nadir_high_open', 'nadir_lln') }} as ctcae_v5_grade
    from joined
)

select
    *,
    -- CTCAE v5 grade 4 is an ANC below 0.5
    coalesce(ctcae_v5_grade = '4', false) as is_severe,
    ctcae_v5_grade is null and coalesce(nadir_operator in ('<', '<='), false) as possibly_severe
from graded
