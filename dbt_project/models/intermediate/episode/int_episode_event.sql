/*
Grain: definition x patient x episode x clinical event that counts for it, with the complication that it means.
Rules: an infection, febrile neutropenia or hospitalisation counts if its onset is from 7 days before the episode's onset to
14 days after its end (an ongoing episode lasts to the end of observation). A relapse of the disease counts from the
episode's onset to 90 days after it, because it may be the price of stopping the treatment.
*/
select
    episode.episode_id,
    case events.event_type
        when 'infection' then 'infection'
        when 'febrile_neutropenia' then 'febrile'
        when 'hospitalisation' then 'hospitalised'
        when 'relapse' then 'relapse_within_90d'
    end as complication,
    events.onset_date,
    events.record_key
from {{ ref('int_episode') }} as episode
inner join {{ ref('int_clinical_event') }} as events
    on
        episode.patient_no = events.patient_no
        and (
            (
                events.event_type in ('infection', 'febrile_neutropenia', 'hospitalisation')
                and {{ days_between('events.onset_date', 'episode.onset_date') }} <= {{ fixed_windows().event_days_before }}
                and {{ days_between('episode.window_end_date', 'events.onset_date') }}
                <= {{ fixed_windows().event_days_after }}
            )
            or (
                events.event_type = 'relapse'
                and {{ within_days_after('events.onset_date', 'episode.onset_date', fixed_windows().relapse_days) }}
            )
        )
