/*
Grain: an episode of the primary definition that is not attributed by its onset, but has a low ANC at most attribution_days
after an anti-CD20 dose, and that ANC is severe (below 0.5) or is a bound that leaves this open.
Such an episode began before the first dose, or long after the last, and continued under treatment.
*/
with counts as (
    select
        episode.episode_id,
        {{ grade('udine_2025', 'anc.anc_low', 'anc.anc_high', 'anc.is_low_open', 'anc.is_high_open', 'anc.lln') }} as severity,
        anc.operator
    from {{ ref('int_episode_final') }} as episode
    inner join {{ ref('int_case_definition') }} as definitions on episode.definition_id = definitions.definition_id
    inner join {{ source('config', 'study') }} as study on definitions.definition_id = study.primary_definition
    inner join {{ ref('int_observed_patient') }} as patient on episode.patient_no = patient.patient_no
    inner join {{ ref('int_anc_classified') }} as classified
        on
            episode.definition_id = classified.definition_id
            and episode.patient_no = classified.patient_no
            and classified.is_low
            and classified.collected_date between episode.onset_date and coalesce(episode.end_date, patient.observation_end)
    inner join {{ ref('int_anc_since_dose') }} as anc
        on classified.anc_record_key = anc.anc_record_key and anc.days_since_last_dose <= definitions.attribution_days
    where episode.attributed_drug is null
)

select episode_id, max(case when severity = 'severe' then 1 else 0 end) = 1 as is_severe
from counts
where severity = 'severe' or (severity is null and operator in ('<', '<='))
group by episode_id
