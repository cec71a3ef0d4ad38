/*
Grain: a patient with an episode of the primary definition that did not recover, and without a recovery since then.
is_open: ongoing, whatever a chart review decided. is_unresolved: ongoing or lost, and not a laboratory error: that is not a
neutropenia, while an episode with another cause is.
*/
with unended as (
    select episode.*
    from {{ ref('int_episode_final') }} as episode
    inner join {{ source('config', 'study') }} as study on episode.definition_id = study.primary_definition
    where episode.end_status in ('ongoing', 'lost')
),

recovered_since as (
    select distinct episode.episode_id
    from unended as episode
    inner join {{ ref('int_anc_day') }} as anc_day
        on
            episode.definition_id = anc_day.definition_id
            and episode.patient_no = anc_day.patient_no
            and episode.end_date < anc_day.collected_date
    where anc_day.is_recovered
)

select
    episode.patient_no,
    max(case when episode.end_status = 'ongoing' then 1 else 0 end) = 1 as is_open,
    max(case when coalesce(episode.adjudication, 'confirmed') = 'lab_error' then 0 else 1 end) = 1 as is_unresolved
from unended as episode
left join recovered_since on episode.episode_id = recovered_since.episode_id
where recovered_since.episode_id is null
group by episode.patient_no
