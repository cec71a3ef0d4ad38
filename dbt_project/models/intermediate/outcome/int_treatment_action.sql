/*
Grain: definition x patient x attributed episode: what was done with the treatment.
Rules: the first documented treatment on or after the day of onset decides (int_episode_treatment). On one day a dose of the
same drug comes first, then another anti-CD20 drug, then a drug out of the class. If none follows, the line of the attributed
drug decides (int_episode_line), and how long the patient was seen. A dose within 1.5 of the drug's intervals is on time.
event_date: the day of the treatment that decided; NULL if none followed. decided_by: what decided the action.
*/
with documented as (
    select
        *,
        row_number() over (
            partition by episode_id
            -- in alphabetical order, the relations have the order that decides on one day
            order by given_date asc, relation asc, drug asc
        ) as documented_number
    from {{ ref('int_episode_treatment') }}
    where is_documented
),

known as (
    select
        episode.episode_id,
        episode.patient_no,
        episode.onset_date,
        episode.last_dose_date,
        episode.home_injected,
        first.given_date as event_date,
        first.relation,
        first.drug as event_drug,
        line.line_key,
        line.line_start_date,
        line.line_end_date,
        line.line_end_unknown,
        follow_up.follow_up_end,
        {{ fixed_windows().tolerated_intervals }} * episode.interval_days as tolerated_days
    from {{ ref('int_episode_attributed') }} as episode
    left join documented as first on episode.episode_id = first.episode_id and first.documented_number = 1
    left join {{ ref('int_episode_line') }} as line on episode.episode_id = line.episode_id
    left join {{ ref('int_follow_up') }} as follow_up on episode.patient_no = follow_up.patient_no
    where episode.attributed_drug is not null
),

decided as (
    select
        *,
        case
            when relation = 'same_drug' then 'dose_of_same_drug'
            when relation = 'switch_in_class' then 'other_in_class'
            when relation = 'switch_out_of_class' then 'line_out_of_class'
            -- injected at home, so no dose is recorded: the line is open or ends later, and the patient was seen later; an
            -- unknown end proves neither
            when
                home_injected and line_start_date is not null and not line_end_unknown
                and (line_end_date is null or {{ days_between('onset_date', 'line_end_date') }} > tolerated_days)
                and {{ days_between('onset_date', 'follow_up_end') }} > tolerated_days then 'line_goes_on'
            when line_end_date >= onset_date then 'line_end'
            else 'last_contact'
        end as decided_by
    from known
)

select
    episode_id,
    patient_no,
    case
        -- too late after the dose before onset to be on time
        when decided_by = 'dose_of_same_drug' and {{ days_between('last_dose_date', 'event_date') }} > tolerated_days
            then 'resumed'
        when decided_by in ('dose_of_same_drug', 'line_goes_on') then 'continued'
        when decided_by = 'other_in_class' then 'switched_in_class'
        when decided_by = 'line_out_of_class' then 'switched_out_of_class'
        when decided_by = 'line_end' then 'discontinued'
        -- the patient was seen for longer than a dose can be late, and none came
        when {{ days_between('last_dose_date', 'follow_up_end') }} > tolerated_days then 'discontinued'
        -- follow-up is too short to know
        else 'pending'
    end as treatment_action,
    case when decided_by in ('other_in_class', 'line_out_of_class') then event_drug end as next_drug,
    event_date,
    decided_by,
    event_drug,
    line_key,
    line_start_date,
    line_end_date,
    follow_up_end
from decided
