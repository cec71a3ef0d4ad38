/*
Grain: definition x patient x attributed episode: what was done with the treatment.
Rules: the earliest documented event on or after the day of onset; on one day in this order:
  1 a recorded dose of the same drug   'continued' within 1.5 intervals of the dose before onset, else 'resumed'
  2 another anti-CD20 drug, dose or line start                               'switched_in_class'
  3 the start of any other line (a line of the same drug or of G-CSF is ignored)  'switched_out_of_class'
Where nothing follows: 'continued' for a drug injected at home whose line has no end, or ends more than 1.5 intervals
after onset, with a documented contact more than 1.5 intervals after onset; 'discontinued' when the line ends on or after
onset, or the last contact lies more than 1.5 intervals after the dose before onset; else 'pending'.
The line: the drug's latest that started by the onset, an open one on ties. event_on: the day of the event that decided,
NULL where none followed.
*/
with episodes as (
    select * from {{ ref('int_episode_attributed') }}
    where attributed_drug is not null
),

following as (
    select
        episodes.definition_id,
        episodes.patient_no,
        episodes.episode_number,
        events.event_on,
        events.drug,
        case
            when events.drug = episodes.attributed_drug then 1
            when events.drug_class = 'anti_cd20' then 2
            else 3
        end as event_order
    from episodes
    inner join {{ ref('int_treatment_event') }} as events
        on episodes.patient_no = events.patient_no and episodes.onset_on <= events.event_on
    where events.drug <> episodes.attributed_drug or events.event_kind = 'dose'
),

ranked as (
    select
        *,
        row_number() over (
            partition by definition_id, patient_no, episode_number
            order by event_on asc, event_order asc, drug asc
        ) as rank_of_event
    from following
),

lines as (
    select
        episodes.definition_id,
        episodes.patient_no,
        episodes.episode_number,
        line.start_on,
        line.end_on,
        row_number() over (
            partition by episodes.definition_id, episodes.patient_no, episodes.episode_number
            order by line.start_on desc, line.end_on desc nulls first
        ) as rank_of_line
    from episodes
    inner join {{ ref('int_treatment_line') }} as line
        on
            episodes.patient_no = line.patient_no
            and episodes.attributed_drug = line.drug
            and line.start_on <= episodes.onset_on
),

known as (
    select
        episodes.*,
        ranked.event_on,
        ranked.event_order,
        ranked.drug as event_drug,
        lines.start_on as line_start_on,
        lines.end_on as line_end_on,
        follow_up.follow_up_end,
        {{ fixed_windows().tolerated_intervals }} * episodes.interval_days as tolerated_days
    from episodes
    left join ranked
        on
            {{ same_episode('episodes', 'ranked') }}
            and ranked.rank_of_event = 1
    left join lines
        on
            {{ same_episode('episodes', 'lines') }}
            and lines.rank_of_line = 1
    left join {{ ref('int_follow_up') }} as follow_up on episodes.patient_no = follow_up.patient_no
)

select
    definition_id,
    patient_no,
    episode_number,
    case
        when event_order = 1 and {{ days_between('last_dose_on', 'event_on') }} <= tolerated_days then 'continued'
        when event_order = 1 then 'resumed'
        when event_order = 2 then 'switched_in_class'
        when event_order = 3 then 'switched_out_of_class'
        when
            home_injected and line_start_on is not null
            and (line_end_on is null or {{ days_between('onset_on', 'line_end_on') }} > tolerated_days)
            and {{ days_between('onset_on', 'follow_up_end') }} > tolerated_days then 'continued'
        when line_end_on >= onset_on then 'discontinued'
        when {{ days_between('last_dose_on', 'follow_up_end') }} > tolerated_days then 'discontinued'
        else 'pending'
    end as treatment_action,
    case when event_order in (2, 3) then event_drug end as next_drug,
    event_on
from known
