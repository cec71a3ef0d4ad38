/*
Grain: definition x patient x episode x verdict of a chart review on it, in order of review.
Rules: a verdict covers every episode with onset in its span, both days included. Verdicts are ordered by review date (blank
first), then by key as text; the last one counts.
A reviewer is a role. Equal verdicts without a role from the same day count as one reviewer's, because with one form per
definition one reading arrives as several rows. Reviewers are numbered by their first verdict. A role that may not be shown
becomes a number within the episode, so that different roles can be counted.
*/
with spoken as (
    select
        episode.episode_id,
        verdicts.record_key,
        row_number() over (
            partition by episode.episode_id
            order by verdicts.reviewed_date asc nulls first, verdicts.adjudication_id asc
        ) as verdict_number,
        verdicts.verdict,
        verdicts.reviewed_date,
        verdicts.reviewer_role,
        coalesce(verdicts.reviewer_role, verdicts.role_as_sent) as reader_role
    from {{ ref('int_episode') }} as episode
    inner join {{ ref('int_adjudication') }} as verdicts
        on
            episode.patient_no = verdicts.patient_no
            and episode.onset_date >= verdicts.onset_from
            and episode.onset_date <= verdicts.onset_to
),

by_reader as (
    select
        *,
        min(verdict_number) over (
            partition by
                episode_id,
                reader_role,
                case when reader_role is null then verdict end,
                case when reader_role is null then reviewed_date end
        ) as first_of_reader
    from spoken
)

select
    episode_id,
    record_key,
    verdict_number,
    verdict,
    reviewed_date,
    reviewer_role,
    case
        when reader_role is not null then
            dense_rank() over (partition by episode_id order by reader_role asc nulls last)
    end as role_number,
    dense_rank() over (partition by episode_id order by first_of_reader asc)
        as reader_number,
    verdict_number = first_of_reader as is_first_of_reader
from by_reader
