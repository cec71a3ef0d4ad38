/*
Grain: a patient with an episode of the primary definition that did not recover, and no recovery was seen since.
is_open: ongoing, whatever a chart review said of it. is_unresolved: ongoing or lost, and not a laboratory error, which is not a
neutropenia; one of another cause is.
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
