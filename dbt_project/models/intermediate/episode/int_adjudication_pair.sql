/*
Grain: definition x patient x episode x pair of verdicts to compare, for the episodes that a chart review judges.
Rules: 'order' compares the first verdicts of the first two reviewers, in the order of int_episode_adjudication. A reviewer's
own later verdict is not a second reading, and a third reviewer mostly decides where the first two disagree, and knows both.
'role' compares the last verdicts of two known roles, in alphabetical order.
*/
with verdicts as (
    select verdict.*, episode.definition_id, episode.patient_no
    from {{ ref('int_episode_adjudication') }} as verdict
    inner join {{ ref('int_episode_final') }} as episode on verdict.episode_id = episode.episode_id
    where episode.is_for_review
),

last_of_role as (
    select episode_id, reviewer_role, max(verdict_number) as verdict_number
    from verdicts
    where reviewer_role is not null
    group by episode_id, reviewer_role
),

by_role as (
    select verdicts.*
    from verdicts
    inner join last_of_role
        on verdicts.episode_id = last_of_role.episode_id and verdicts.verdict_number = last_of_role.verdict_number
)

select
    one.episode_id,
    one.definition_id,
    one.patient_no,
    'order' as comparison,
    'first verdict' as first_reading,
    'second verdict' as second_reading,
    one.verdict as first_verdict,
    other.verdict as second_verdict
from verdicts as one
inner join verdicts as other on one.episode_id = other.episode_id
where one.reader_number = 1 and one.is_first_of_reader and other.reader_number = 2 and other.is_first_of_reader
union all
select
    one.episode_id,
    one.definition_id,
    one.patient_no,
    'role' as comparison,
    one.reviewer_role as first_reading,
    other.reviewer_role as second_reading,
    one.verdict as first_verdict,
    other.verdict as second_verdict
from by_role as one
inner join by_role as other on one.episode_id = other.episode_id
where one.reviewer_role < other.reviewer_role
