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
last_treatment: of what was given from the day of onset to the day before that recurrence, or in all of follow-up, by the
rule of recurrence_context, so that those who recurred and those who did not are sorted alike. The three days: the first
with that treatment; same_drug_recorded_on: the first on which a dose of the same drug is recorded, not assumed.
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

treatments_after as (
    select
        episodes.definition_id,
        episodes.patient_no,
        episodes.episode_number,
        treatments.event_on,
        treatments.is_recorded_dose,
        case
            when treatments.drug = episodes.attributed_drug then 'same_drug'
            when treatments.drug_class = 'anti_cd20' then 'another_in_class'
            else 'out_of_class'
        end as treatment,
        row_number() over (
            partition by episodes.definition_id, episodes.patient_no, episodes.episode_number
            order by treatments.treatment_number desc
        ) as from_last
    from episodes
    left join recurrences
        on {{ same_episode('episodes', 'recurrences') }}
    inner join {{ ref('int_treatment_in_order') }} as treatments
        on
            episodes.patient_no = treatments.patient_no
            and episodes.onset_on <= treatments.event_on
            and (recurrences.recurrence_on is null or treatments.event_on < recurrences.recurrence_on)
    where treatments.is_dose or treatments.drug <> episodes.attributed_drug
),

given as (
    select
        definition_id,
        patient_no,
        episode_number,
        max(case when from_last = 1 then treatment end) as last_treatment,
        min(case when treatment = 'same_drug' then event_on end) as same_drug_on,
        min(case when treatment = 'same_drug' and is_recorded_dose then event_on end) as same_drug_recorded_on,
        min(case when treatment = 'another_in_class' then event_on end) as another_in_class_on,
        min(case when treatment = 'out_of_class' then event_on end) as out_of_class_on,
        min(event_on) as first_given_on
    from treatments_after
    group by definition_id, patient_no, episode_number
),

followed as (
    select
        episodes.definition_id,
        episodes.patient_no,
        episodes.patient_key,
        episodes.episode_number,
        follow_up.follow_up_end,
        coalesce(given.last_treatment, 'none') as last_treatment,
        given.same_drug_on,
        given.same_drug_recorded_on,
        given.another_in_class_on,
        given.out_of_class_on,
        coalesce(given.first_given_on = episodes.onset_on, false) as given_on_onset_day,
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
    left join given
        on {{ same_episode('episodes', 'given') }}
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
    last_treatment,
    same_drug_on,
    same_drug_recorded_on,
    another_in_class_on,
    out_of_class_on,
    given_on_onset_day,
    recurrence_on,
    recurrence_drug,
    recurrence_context
from bounded
