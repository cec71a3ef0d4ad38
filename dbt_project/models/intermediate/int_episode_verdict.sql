/*
Grain: definition x patient x episode x verdict of a chart review on it, in order of review.
Rules: a verdict speaks of every episode whose onset lies in its span, both days included. The one reviewed later comes
later (blank first), then the one with the higher key as text: the last in this order stands.
A delivery names no reader, and the role is free text that may: only roles of the seed are kept as text, any other is a
number within the episode, so that different ones can be counted.
*/
with verdicts as (
    {{ current_rows(ref('stg_adjudication'), ref('int_adjudication_set_aside')) }}
),

spoken as (
    select
        episode.definition_id,
        episode.patient_no,
        episode.episode_number,
        verdicts.record_key,
        verdicts.adjudication_id,
        verdicts.verdict,
        verdicts.reviewed_on,
        roles.role as reviewer_role,
        coalesce(roles.role, verdicts.reviewer_role) as role_as_sent
    from {{ ref('int_episode') }} as episode
    inner join verdicts
        on
            episode.patient_no = verdicts.patient_no
            and episode.onset_on >= verdicts.onset_from
            and episode.onset_on <= verdicts.onset_to
    left join {{ ref('reviewer_roles') }} as roles on verdicts.reviewer_role = roles.name
)

select
    definition_id,
    patient_no,
    episode_number,
    row_number() over (
        partition by definition_id, patient_no, episode_number
        order by reviewed_on asc nulls first, adjudication_id asc
    ) as verdict_number,
    record_key,
    verdict,
    reviewed_on,
    reviewer_role,
    case
        when role_as_sent is not null then
            dense_rank() over (partition by definition_id, patient_no, episode_number order by role_as_sent asc nulls last)
    end as role_number
from spoken
