/*
Grain: definition x patient x case episode, with its recurrence and the treatments before it.
Rules: the recurrence is the patient's next case episode with a higher recurrence number. Treatments count from the day of
onset to the day before the recurrence (a sample on an infusion day is drawn before the infusion), or without one to the end
of follow-up, so that the same rule applies to all (last_treatment, recurrence_context).
same_drug_recorded_date: the first day on which a dose of the same drug is recorded, not assumed. next_same_drug_date: the
first dose of the same drug, even after the recurrence.
*/
with episodes as (
    select * from {{ ref('int_episode_final') }}
    where is_case_episode
),

-- an episode after a documented recovery has a number higher by one
recurrences as (
    select
        episodes.episode_id,
        later.onset_date as recurrence_date,
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

-- from the day of onset on; is_before_recurrence: up to the day before the recurrence
treatments as (
    select
        given.*,
        recurrences.recurrence_date is null or given.given_date < recurrences.recurrence_date as is_before_recurrence
    from {{ ref('int_episode_treatment') }} as given
    left join recurrences on given.episode_id = recurrences.episode_id
),

given as (
    select
        episode_id,
        max(case when is_before_recurrence then treatment_number end) as last_number,
        min(case when is_before_recurrence then given_date end) as first_given_date,
        min(case when is_before_recurrence and relation = 'same_drug' then given_date end) as same_drug_date,
        min(case when is_before_recurrence and relation = 'same_drug' and is_documented then given_date end)
            as same_drug_recorded_date,
        min(case when is_before_recurrence and relation = 'switch_in_class' then given_date end) as another_in_class_date,
        min(case when is_before_recurrence and relation = 'switch_out_of_class' then given_date end) as out_of_class_date,
        -- even after the recurrence
        min(case when relation = 'same_drug' then given_date end) as next_same_drug_date
    from treatments
    group by episode_id
)

select
    episodes.episode_id,
    recurrences.recurrence_date,
    recurrences.recurrence_drug,
    recurrences.recurrence_context,
    case last_one.relation
        when 'same_drug' then 'same_drug'
        when 'switch_in_class' then 'another_in_class'
        when 'switch_out_of_class' then 'out_of_class'
        -- nothing was given
        else 'none'
    end as last_treatment,
    given.same_drug_date,
    given.same_drug_recorded_date,
    given.another_in_class_date,
    given.out_of_class_date,
    given.next_same_drug_date,
    coalesce(given.first_given_date = episodes.onset_date, false) as given_on_onset_day
from episodes
left join recurrences on episodes.episode_id = recurrences.episode_id
left join given on episodes.episode_id = given.episode_id
left join {{ ref('int_episode_treatment') }} as last_one
    on given.episode_id = last_one.episode_id and given.last_number = last_one.treatment_number
