/*
Grain: a possibly reportable severe neutropenia (below 0.5) under anti-CD20 treatment, primary definition, whether or not
the patient is in the cohort: an episode (basis 'episode'), or a day with leukocytes below 0.5 and no ANC from that draw
(basis 'leukocytes'; never counted as a case).
An episode is listed if it is attributed, or has such a count under treatment (int_severe_under_treatment), and no chart review
ruled it out (other_cause, lab_error). Leukocytes are left out if a severe episode, listed or ruled out, covers the day.
possibly_severe: only a bound or leukocytes are known, so the ANC is open. is_case_episode: it counts as a case.
*/
with episodes as (
    select
        episode.*,
        patient.exclusion_reason,
        coalesce(episode.end_date, patient.observation_end) as span_end,
        coalesce(episode.adjudication, 'confirmed') <> 'confirmed' as is_ruled_out,
        final_episode.is_severe as is_nadir_severe,
        -- false: possibly severe; NULL: not severe
        case
            when episode.attributed_drug is null then under_treatment.is_severe
            when final_episode.is_severe then true
            when final_episode.possibly_severe then false
        end as is_severe
    from {{ ref('fct_neutropenia_episode') }} as episode
    inner join {{ ref('int_episode_final') }} as final_episode on episode.episode_id = final_episode.episode_id
    inner join {{ ref('dim_case_definition') }} as definitions on episode.definition_id = definitions.definition_id
    inner join {{ ref('dim_patient') }} as patient on episode.patient_key = patient.patient_key
    left join {{ ref('int_severe_under_treatment') }} as under_treatment on episode.episode_id = under_treatment.episode_id
    where definitions.is_primary
),

uncovered as (
    select leukocytes.*, patient.patient_key, patient.site, dim_patient.exclusion_reason
    from {{ ref('int_leukocytes_below_severe') }} as leukocytes
    inner join {{ ref('int_observed_patient') }} as patient on leukocytes.patient_no = patient.patient_no
    inner join {{ ref('dim_patient') }} as dim_patient on patient.patient_key = dim_patient.patient_key
    left join episodes
        on
            patient.patient_key = episodes.patient_key
            and leukocytes.collected_date between episodes.onset_date and episodes.span_end
            and (episodes.is_severe or (episodes.is_ruled_out and episodes.is_nadir_severe))
    where episodes.episode_id is null
)

select
    'episode' as basis,
    episode_id,
    definition_id,
    patient_key,
    site,
    onset_date,
    nadir_date,
    nadir_anc_10e9_l,
    nadir_operator,
    severity,
    cast(null as varchar) as lab_key,
    cast(null as decimal(18, 6)) as leukocytes_10e9_l,
    cast(null as varchar) as leukocytes_operator,
    not is_severe as possibly_severe,
    is_case_episode,
    exclusion_reason as outside_cohort_reason,
    attributed_drug,
    days_since_last_dose,
    dose_number,
    onset_type,
    end_date
from episodes
where is_severe is not null and not is_ruled_out
union all
select
    'leukocytes' as basis,
    cast(null as varchar) as episode_id,
    definition_id,
    patient_key,
    site,
    collected_date as onset_date,
    cast(null as date) as nadir_date,
    cast(null as decimal(18, 6)) as nadir_anc_10e9_l,
    cast(null as varchar) as nadir_operator,
    cast(null as varchar) as severity,
    {{ key_text('record_key') }} as lab_key,
    leukocytes as leukocytes_10e9_l,
    operator as leukocytes_operator,
    true as possibly_severe,
    false as is_case_episode,
    exclusion_reason as outside_cohort_reason,
    last_drug as attributed_drug,
    cast(days_since_last_dose as integer) as days_since_last_dose,
    cast(dose_number as integer) as dose_number,
    cast(null as varchar) as onset_type,
    collected_date as end_date
from uncovered
