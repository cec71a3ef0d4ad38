/*
Grain: definition x patient who is a case: the first case episode.
*/
with ranked as (
    select
        definition_id,
        patient_no,
        onset_date,
        attributed_drug,
        row_number() over (partition by definition_id, patient_no order by episode_number asc) as rank_of_episode
    from {{ ref('int_episode_final') }}
    where is_case_episode
)

select definition_id, patient_no, onset_date as first_case_onset, attributed_drug as first_case_drug
from ranked
where rank_of_episode = 1
