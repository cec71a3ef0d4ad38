/*
Grain: definition x comparison x pair of readings x pair of verdicts: the number of episodes with these verdicts, from which
mart_review_agreement computes kappa. If no episode was adjudicated twice, a definition still has one row for first and
second verdicts, with n = 0 and no verdicts.
*/
select definition_id, comparison, first_reading, second_reading, first_verdict, second_verdict, count(*) as n_episodes
from {{ ref('int_adjudication_pair') }}
group by definition_id, comparison, first_reading, second_reading, first_verdict, second_verdict
union all
select
    definition_id,
    'order' as comparison,
    'first verdict' as first_reading,
    'second verdict' as second_reading,
    cast(null as varchar) as first_verdict,
    cast(null as varchar) as second_verdict,
    0 as n_episodes
from {{ ref('int_case_definition') }}
