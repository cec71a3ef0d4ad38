/*
Grain: definition x patient x episode x pair of verdicts that are compared, of the episodes that a chart review judges.
Rules: 'order' compares what the first two readers said first, in the order of int_episode_adjudication: a reader's own later
word is no second reading, and a third reader mostly settles what the first two left open, and knows both. 'role' compares
the last verdicts of two known roles, alphabetically.
*/
with verdicts as (
    select verdict.*
    from {{ ref('int_episode_adjudication') }} as verdict
    inner join {{ ref('int_episode_final') }} as episode on {{ same_episode('verdict', 'episode') }}
    where episode.is_for_review
),

last_of_role as (
    select definition_id, patient_no, episode_number, reviewer_role, max(verdict_number) as verdict_number
    from verdicts
    where reviewer_role is not null
    group by definition_id, patient_no, episode_number, reviewer_role
),

by_role as (
    select verdicts.*
    from verdicts
    inner join last_of_role
        on
            {{ same_episode('verdicts', 'last_of_role') }}
            and verdicts.verdict_number = last_of_role.verdict_number
)

select
    one.definition_id,
    one.patient_no,
    one.episode_number,
    'order' as comparison,
    'first verdict' as first_reading,
    'second verdict' as second_reading,
    one.verdict as first_verdict,
    other.verdict as second_verdict
from verdicts as one
inner join verdicts as other on {{ same_episode('one', 'other') }}
where one.reader_number = 1 and one.is_first_of_reader and other.reader_number = 2 and other.is_first_of_reader
union all
select
    one.definition_id,
    one.patient_no,
    one.episode_number,
    'role' as comparison,
    one.reviewer_role as first_reading,
    other.reviewer_role as second_reading,
    one.verdict as first_verdict,
    other.verdict as second_verdict
from by_role as one
inner join by_role as other on {{ same_episode('one', 'other') }}
where one.reviewer_role < other.reviewer_role
