/*
Grain: definition x episode that a chart review judges: attributed, of a patient in that definition's cohort.
Rules: the verdict that counts is the one reviewed last. The status is 'disagreement' if the verdicts on an episode differ,
whichever counts. Reviewers' names and comments are not published; roles only if they are in the seed.
*/
select
    episode.episode_id,
    episode.definition_id,
    episode.patient_key,
    episode.site,
    episode.onset_date,
    case
        when review.n_reviews is null then 'unreviewed'
        when not review.is_unanimous then 'disagreement'
        else review.verdict
    end as review_status,
    review.verdict,
    cast(coalesce(review.n_reviews, 0) as integer) as n_reviews,
    cast(coalesce(review.n_readers, 0) as integer) as n_readers,
    cast(coalesce(review.n_reviewer_roles, 0) as integer) as n_reviewer_roles,
    review.reviewer_roles,
    case when review.n_reviews > 1 then review.is_unanimous end as verdicts_agree,
    review.reviewed_date as reviewed_on
from {{ ref('int_episode_final') }} as episode
left join {{ ref('int_episode_review') }} as review on episode.episode_id = review.episode_id
where episode.is_for_review
