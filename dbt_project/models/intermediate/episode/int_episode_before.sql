/*
Grain: definition x patient x attributed episode that no chart review ruled out, with the previous one. Recurrences are
counted among these.
*/
select
    episode.episode_id,
    episode.definition_id,
    episode.patient_no,
    episode.episode_number,
    episode.onset_date,
    episode.attributed_drug,
    lag(episode.episode_id) over by_patient as episode_id_before,
    lag(episode.onset_date) over by_patient as onset_before,
    lag(episode.window_end_date) over by_patient as end_before
from {{ ref('int_episode_attributed') }} as episode
left join {{ ref('int_episode_review') }} as review on episode.episode_id = review.episode_id
where episode.attributed_drug is not null and coalesce(review.verdict, 'confirmed') = 'confirmed'
window by_patient as (partition by episode.definition_id, episode.patient_no order by episode.episode_number asc)
