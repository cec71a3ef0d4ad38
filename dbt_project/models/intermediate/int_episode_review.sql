/*
Grain: definition x patient x episode that a chart review has judged, with the verdict that stands.
Rule: of the verdicts whose span holds the onset the one reviewed last (blank first), then the highest key as text.
*/
with verdicts as (
    {{ current_rows(ref('stg_adjudication'), ref('int_adjudication_set_aside')) }}
),

ranked as (
    select
        episode.definition_id,
        episode.patient_no,
        episode.episode_number,
        verdicts.verdict,
        row_number() over (
            partition by episode.definition_id, episode.patient_no, episode.episode_number
            order by verdicts.reviewed_on desc nulls last, verdicts.adjudication_id desc
        ) as rank_of_verdict
    from {{ ref('int_episode') }} as episode
    inner join verdicts
        on
            episode.patient_no = verdicts.patient_no
            and episode.onset_on >= verdicts.onset_from
            and episode.onset_on <= verdicts.onset_to
)

select definition_id, patient_no, episode_number, verdict
from ranked
where rank_of_verdict = 1
