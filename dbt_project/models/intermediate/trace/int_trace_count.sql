/*
Grain: an episode x a count that decided its course. Values between a provisional recovery and the next low one, and values
that are not the lowest of their day, decide nothing and are shown as such. So is a value left out because of its operator,
if it could have been a measurement of this episode, or its onset. Episodes without recovery get their end (lost or open)
as the last step.
*/
select
    {{ trace_step(
        'episode',
        "case
            when measured.collected_date = episode.onset_date then 'onset'
            when measured.is_recovered and measured.collected_date = episode.end_date then 'recovered'
            when measured.is_recovered then 'provisional_recovery'
            when measured.is_rebound then 'gcsf_rebound'
            when measured.is_low then 'low'
            else 'not_yet_recovered'
        end",
        'measured.collected_date', 2, "'anc'", key='measured.anc_record_key', count='measured') }}
from {{ ref('int_episode') }} as episode
inner join {{ ref('int_episode_day') }} as measured on episode.episode_id = measured.episode_id
union all
select
    {{ trace_step(
        'episode', "'last_normal'", 'episode.last_normal_date', 2, "'anc'", key='anc_day.anc_record_key', count='anc_day') }}
from {{ ref('int_episode') }} as episode
inner join {{ ref('int_anc_day') }} as anc_day
    on
        episode.definition_id = anc_day.definition_id
        and episode.patient_no = anc_day.patient_no
        and episode.last_normal_date = anc_day.collected_date
union all
select
    {{ trace_step(
        'episode', "case when episode.end_status = 'lost' then 'lost_after_this' else 'open_at_end_of_observation' end",
        'episode.window_end_date', 4) }}
from {{ ref('int_episode') }} as episode
where episode.end_status <> 'recovered'
union all
-- counts within the episode that decided nothing
select
    {{ trace_step(
        'episode', "case when of_day.collected_date is null then 'before_the_rebound' else 'not_lowest_of_day' end",
        'classified.collected_date', 2, "'anc'", key='classified.anc_record_key', count='classified') }}
from {{ ref('int_episode') }} as episode
inner join {{ ref('int_anc_classified') }} as classified
    on
        episode.definition_id = classified.definition_id
        and episode.patient_no = classified.patient_no
        and episode.onset_date <= classified.collected_date
        and episode.window_end_date >= classified.collected_date
left join {{ ref('int_episode_day') }} as of_day
    on
        classified.definition_id = of_day.definition_id
        and classified.patient_no = of_day.patient_no
        and classified.collected_date = of_day.collected_date
where classified.is_decided and (of_day.collected_date is null or of_day.anc_record_key <> classified.anc_record_key)
union all
select
    {{ trace_step(
        'episode', "'left_out_for_operator'", 'classified.collected_date', 2, "'anc'", key='classified.anc_record_key',
        count='classified') }}
from {{ ref('int_episode') }} as episode
inner join {{ ref('int_case_definition') }} as definitions on episode.definition_id = definitions.definition_id
inner join {{ ref('int_anc_classified') }} as classified
    on
        episode.definition_id = classified.definition_id
        and episode.patient_no = classified.patient_no
        and {{ add_days('episode.onset_date', '-definitions.max_gap_days') }} <= classified.collected_date
        and (episode.last_normal_date is null or episode.last_normal_date < classified.collected_date)
        and case
            when episode.end_status = 'recovered' then episode.end_date
            else {{ add_days('episode.window_end_date', 'definitions.max_gap_days') }}
        end >= classified.collected_date
where not classified.is_decided
