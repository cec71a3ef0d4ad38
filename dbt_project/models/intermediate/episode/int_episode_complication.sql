/*
Grain: definition x patient x episode, with the G-CSF given for it and what happened around it. int_episode_gcsf_dose and
int_episode_event decide which doses and events count.
*/
with gcsf as (
    select
        episode_id,
        count(*) as gcsf_doses,
        min(administered_date) as gcsf_first_date
    from {{ ref('int_episode_gcsf_dose') }}
    group by episode_id
),

events as (
    select
        episode_id,
        {% for complication in ['infection', 'febrile', 'hospitalised', 'relapse_within_90d'] %}
        max(case when complication = '{{ complication }}' then 1 else 0 end) as {{ complication }}{{ "," if not loop.last }}
        {% endfor %}
    from {{ ref('int_episode_event') }}
    group by episode_id
)

select
    episode.episode_id,
    coalesce(gcsf.gcsf_doses, 0) > 0 as gcsf_treated,
    gcsf.gcsf_first_date,
    coalesce(gcsf.gcsf_doses, 0) as gcsf_doses,
    coalesce(events.infection, 0) = 1 as infection,
    coalesce(events.febrile, 0) = 1 as febrile,
    coalesce(events.hospitalised, 0) = 1 as hospitalised,
    coalesce(events.relapse_within_90d, 0) = 1 as relapse_within_90d
from {{ ref('int_episode') }} as episode
left join gcsf on episode.episode_id = gcsf.episode_id
left join events on episode.episode_id = events.episode_id
