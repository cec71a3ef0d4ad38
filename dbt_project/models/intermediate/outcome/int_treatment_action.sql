/*
Grain: definition x patient x attributed episode: what was done with the treatment.
Rules: the earliest documented event on or after the day of onset; on one day in this order:
  1 a recorded dose of the same drug   'continued' within 1.5 intervals of the dose before onset, else 'resumed'
  2 another anti-CD20 drug, dose or line start                               'switched_in_class'
  3 the start of any other line (a line of the same drug or of G-CSF is ignored)  'switched_out_of_class'
Where nothing follows: 'continued' for a drug injected at home whose line is open, or ends more than 1.5 intervals after
onset (an unknown end proves neither), with a documented contact more than 1.5 intervals after onset; 'discontinued' when the line ends on or after
onset, or the last contact lies more than 1.5 intervals after the dose before onset; else 'pending'.
The line: int_episode_line. event_on: the day of the event that decided, NULL where none followed. decided_by: what the
action rests on.
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

known as (
    select
        episodes.*,
        ranked.event_on,
        ranked.event_order,
        ranked.drug as event_drug,
        line.line_key,
        line.line_start_on,
        line.line_end_on,
        line.line_end_unknown,
        follow_up.follow_up_end,
        {{ fixed_windows().tolerated_intervals }} * episodes.interval_days as tolerated_days
    from episodes
    left join ranked
        on
            {{ same_episode('episodes', 'ranked') }}
            and ranked.rank_of_event = 1
    left join {{ ref('int_episode_line') }} as line
        on
            {{ same_episode('episodes', 'line') }}
    left join {{ ref('int_follow_up') }} as follow_up on episodes.patient_no = follow_up.patient_no
),

decided as (
    select
        *,
        case
            when event_order = 1 then 'dose_of_same_drug'
            when event_order = 2 then 'other_in_class'
            when event_order = 3 then 'line_out_of_class'
            when
                home_injected and line_start_on is not null and not line_end_unknown
                and (line_end_on is null or {{ days_between('onset_on', 'line_end_on') }} > tolerated_days)
                and {{ days_between('onset_on', 'follow_up_end') }} > tolerated_days then 'line_goes_on'
            when line_end_on >= onset_on then 'line_end'
            else 'last_contact'
        end as decided_by
    from known
)

select
    definition_id,
    patient_no,
    episode_number,
    case
        when decided_by = 'dose_of_same_drug' and {{ days_between('last_dose_on', 'event_on') }} > tolerated_days
            then 'resumed'
        when decided_by in ('dose_of_same_drug', 'line_goes_on') then 'continued'
        when decided_by = 'other_in_class' then 'switched_in_class'
        when decided_by = 'line_out_of_class' then 'switched_out_of_class'
        when decided_by = 'line_end' then 'discontinued'
        when {{ days_between('last_dose_on', 'follow_up_end') }} > tolerated_days then 'discontinued'
        else 'pending'
    end as treatment_action,
    case when decided_by in ('other_in_class', 'line_out_of_class') then event_drug end as next_drug,
    event_on,
    decided_by,
    event_drug,
    line_key,
    line_start_on,
    line_end_on,
    follow_up_end
from decided
