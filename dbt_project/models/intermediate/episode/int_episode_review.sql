/*
Grain: definition x patient x episode that a chart review has judged, with the verdict that stands and who has spoken.
Rule: the last verdict in the order of int_episode_adjudication stands.
*/
with verdicts as (
    select
        *,
        max(verdict_number) over (partition by definition_id, patient_no, episode_number) as last_number
    from {{ ref('int_episode_adjudication') }}
),

known_roles as (
    select
        definition_id,
        patient_no,
        episode_number,
        {{ dbt.listagg('reviewer_role', "', '", 'order by reviewer_role') }} as reviewer_roles
    from (
        select distinct definition_id, patient_no, episode_number, reviewer_role
        from {{ ref('int_episode_adjudication') }}
        where reviewer_role is not null
    ) as each_role
    group by definition_id, patient_no, episode_number
),

reviews as (
    select
        definition_id,
        patient_no,
        episode_number,
        max(case when verdict_number = last_number then verdict end) as verdict,
        max(case when verdict_number = last_number then record_key end) as verdict_key,
        count(*) as n_reviews,
        max(reader_number) as n_readers,
        count(distinct role_number) as n_reviewer_roles,
        min(verdict) = max(verdict) as is_unanimous,
        max(reviewed_on) as reviewed_on
    from verdicts
    group by definition_id, patient_no, episode_number
)

select
    reviews.definition_id,
    reviews.patient_no,
    reviews.episode_number,
    reviews.verdict,
    reviews.verdict_key,
    reviews.n_reviews,
    reviews.n_readers,
    reviews.n_reviewer_roles,
    known_roles.reviewer_roles,
    reviews.is_unanimous,
    reviews.reviewed_on
from reviews
left join known_roles on {{ same_episode('reviews', 'known_roles') }}
