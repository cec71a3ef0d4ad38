/*
Grain: definition x patient x episode that a chart review has judged, with the final verdict and the reviewers.
Rule: the final verdict is the last one in the order of int_episode_adjudication.
*/
with verdicts as (
    select
        *,
        max(verdict_number) over (partition by episode_id) as last_number
    from {{ ref('int_episode_adjudication') }}
),

known_roles as (
    select
        episode_id,
        {{ dbt.listagg('reviewer_role', "', '", 'order by reviewer_role') }} as reviewer_roles
    from (
        select distinct episode_id, reviewer_role
        from {{ ref('int_episode_adjudication') }}
        where reviewer_role is not null
    ) as each_role
    group by episode_id
),

reviews as (
    select
        episode_id,
        max(case when verdict_number = last_number then verdict end) as verdict,
        max(case when verdict_number = last_number then record_key end) as verdict_key,
        count(*) as n_reviews,
        max(reader_number) as n_readers,
        count(distinct role_number) as n_reviewer_roles,
        min(verdict) = max(verdict) as is_unanimous,
        max(reviewed_date) as reviewed_date
    from verdicts
    group by episode_id
)

select
    reviews.episode_id,
    reviews.verdict,
    reviews.verdict_key,
    reviews.n_reviews,
    reviews.n_readers,
    reviews.n_reviewer_roles,
    known_roles.reviewer_roles,
    reviews.is_unanimous,
    reviews.reviewed_date
from reviews
left join known_roles on reviews.episode_id = known_roles.episode_id
