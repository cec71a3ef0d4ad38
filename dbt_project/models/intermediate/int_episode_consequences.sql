/*
Grain: definition x patient x episode: G-CSF given for it, and what happened around it.
Rules: events of a type with onset from 7 days before the episode's onset to 14 days after its end (an ongoing episode: the
end of observation). A relapse of the disease counts from the episode's onset to 90 days after it: what stopping the
treatment may cost.
*/
with gcsf as (
    select
        definition_id,
        patient_no,
        episode_number,
        count(*) as gcsf_doses,
        min(administered_on) as gcsf_first_on
    from {{ ref('int_episode_gcsf_dose') }}
    group by definition_id, patient_no, episode_number
),

events as (
    select
        episode.definition_id,
        episode.patient_no,
        episode.episode_number,
        max(case when events.event_type = 'infection' then 1 else 0 end) as infection,
        max(case when events.event_type = 'febrile_neutropenia' then 1 else 0 end) as febrile,
        max(case when events.event_type = 'hospitalisation' then 1 else 0 end) as hospitalised
    from {{ ref('int_episode') }} as episode
    inner join {{ ref('int_clinical_event') }} as events
        on
            episode.patient_no = events.patient_no
            and {{ days_between('events.onset_on', 'episode.onset_on') }} <= {{ fixed_windows().event_days_before }}
            and {{ days_between('episode.window_end_on', 'events.onset_on') }} <= {{ fixed_windows().event_days_after }}
    group by episode.definition_id, episode.patient_no, episode.episode_number
),

relapses as (
    select distinct episode.definition_id, episode.patient_no, episode.episode_number
    from {{ ref('int_episode') }} as episode
    inner join {{ ref('int_clinical_event') }} as events
        on
            episode.patient_no = events.patient_no
            and {{ within_days_after('events.onset_on', 'episode.onset_on', fixed_windows().relapse_days) }}
    where events.event_type = 'relapse'
)

select
    episode.definition_id,
    episode.patient_no,
    episode.episode_number,
    coalesce(gcsf.gcsf_doses, 0) > 0 as gcsf_treated,
    gcsf.gcsf_first_on,
    coalesce(gcsf.gcsf_doses, 0) as gcsf_doses,
    coalesce(events.infection, 0) = 1 as infection,
    coalesce(events.febrile, 0) = 1 as febrile,
    coalesce(events.hospitalised, 0) = 1 as hospitalised,
    relapses.patient_no is not null as relapse_within_90d
from {{ ref('int_episode') }} as episode
left join gcsf
    on
        {{ same_episode('episode', 'gcsf') }}
left join events
    on
        {{ same_episode('episode', 'events') }}
left join relapses
    on
        {{ same_episode('episode', 'relapses') }}
