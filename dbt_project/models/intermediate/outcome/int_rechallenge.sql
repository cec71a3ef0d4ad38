/*
Grain: definition x patient x case episode: what was given after it, and whether it recurred (int_before_recurrence).
Rule: next_treatment is the treatment action (int_treatment_action) if its event is before the onset of the recurrence; later
events are in the row of the recurrence itself.
*/
with followed as (
    select
        follow_up.follow_up_end,
        before_recurrence.*,
        case
            when episode.treatment_action in ('continued', 'resumed') then 'same_drug'
            when episode.treatment_action = 'switched_in_class' then 'another_in_class'
            when episode.treatment_action = 'switched_out_of_class' then 'out_of_class'
            -- discontinued or pending
            else 'none'
        end as next_treatment,
        case
            when episode.treatment_action in ('continued', 'resumed') then episode.attributed_drug
            else episode.next_drug
        end as next_drug,
        case
            when action.event_date is not null then action.event_date
            -- injections at home, continued only according to the line: the day of the first assumed dose
            when episode.treatment_action = 'continued' then before_recurrence.next_same_drug_date
        end as next_date
    from {{ ref('int_episode_final') }} as episode
    inner join {{ ref('int_before_recurrence') }} as before_recurrence on episode.episode_id = before_recurrence.episode_id
    inner join {{ ref('int_treatment_action') }} as action on episode.episode_id = action.episode_id
    inner join {{ ref('int_follow_up') }} as follow_up on episode.patient_no = follow_up.patient_no
),

bounded as (
    select *, coalesce(next_date >= recurrence_date, false) as is_after_recurrence
    from followed
)

select
    episode_id,
    follow_up_end,
    case when is_after_recurrence then 'none' else next_treatment end as next_treatment,
    case when not is_after_recurrence then next_drug end as next_drug,
    case when not is_after_recurrence then next_date end as next_date,
    last_treatment,
    same_drug_date,
    same_drug_recorded_date,
    another_in_class_date,
    out_of_class_date,
    given_on_onset_day,
    recurrence_date,
    recurrence_drug,
    recurrence_context
from bounded
