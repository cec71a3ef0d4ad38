/*
Grain: definition x patient x case episode: what was given after it, and whether it recurred.
Rules: the recurrence is the patient's next case episode with a higher recurrence number. next_treatment is the treatment
action (int_treatment_action) as long as its event lies before the onset of that recurrence (a sample on an infusion day
is drawn before the infusion); what came only then is told in the recurrence's own row. Assumed doses prove nothing here;
where a drug injected at home was 'continued' by its line alone, the day is that of the first dose assumed.
  continued, resumed       'same_drug'
  switched_in_class        'another_in_class'
  switched_out_of_class    'out_of_class'
  discontinued, pending    'none'
*/
with episodes as (
    select * from {{ ref('int_episode_judged') }}
    where is_case_episode
),

-- the number grows by one, at an episode after a documented recovery
recurrences as (
    select
        episodes.definition_id,
        episodes.patient_no,
        episodes.episode_number,
        later.onset_on as recurrence_on,
        later.attributed_drug as recurrence_drug,
        later.recurrence_context
    from episodes
    inner join episodes as later
        on
            episodes.definition_id = later.definition_id
            and episodes.patient_no = later.patient_no
            and episodes.recurrence_number + 1 = later.recurrence_number
            and not later.continuation_possible
),

first_doses_after as (
    select episodes.definition_id, episodes.patient_no, episodes.episode_number, min(dose.administered_on) as dose_on
    from episodes
    inner join {{ ref('int_dose') }} as dose
        on
            episodes.patient_no = dose.patient_no
            and episodes.attributed_drug = dose.drug
            and episodes.onset_on <= dose.administered_on
    group by episodes.definition_id, episodes.patient_no, episodes.episode_number
),

followed as (
    select
        episodes.definition_id,
        episodes.patient_no,
        episodes.patient_key,
        episodes.episode_number,
        follow_up.follow_up_end,
        recurrences.recurrence_on,
        recurrences.recurrence_drug,
        recurrences.recurrence_context,
        case
            when episodes.treatment_action in ('continued', 'resumed') then 'same_drug'
            when episodes.treatment_action = 'switched_in_class' then 'another_in_class'
            when episodes.treatment_action = 'switched_out_of_class' then 'out_of_class'
            else 'none'
        end as next_treatment,
        case
            when episodes.treatment_action in ('continued', 'resumed') then episodes.attributed_drug
            else episodes.next_drug
        end as next_drug,
        case
            when action.event_on is not null then action.event_on
            when episodes.treatment_action = 'continued' then first_doses_after.dose_on
        end as next_on
    from episodes
    inner join {{ ref('int_treatment_action') }} as action
        on {{ same_episode('episodes', 'action') }}
    inner join {{ ref('int_follow_up') }} as follow_up on episodes.patient_no = follow_up.patient_no
    left join recurrences
        on {{ same_episode('episodes', 'recurrences') }}
    left join first_doses_after
        on {{ same_episode('episodes', 'first_doses_after') }}
),

bounded as (
    select *, coalesce(next_on >= recurrence_on, false) as is_after_recurrence
    from followed
)

select
    definition_id,
    patient_no,
    patient_key,
    episode_number,
    follow_up_end,
    case when is_after_recurrence then 'none' else next_treatment end as next_treatment,
    case when not is_after_recurrence then next_drug end as next_drug,
    case when not is_after_recurrence then next_on end as next_on,
    recurrence_on,
    recurrence_drug,
    recurrence_context
from bounded
