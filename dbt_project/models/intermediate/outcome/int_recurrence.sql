/*
Grain: definition x patient x attributed episode that no chart review ruled out, with its recurrence number.
Rules: the patient's first such episode has number 0. The number grows by one at each later episode that has an
ANC >= recovery_at on or after the end of the previous episode and before its own onset. Without such a documented recovery
the number stays, and continuation_possible is true. recurrence_context, if the number grew: the last treatment between
the two onsets (int_episode_treatment).
*/
with episodes as (
    select * from {{ ref('int_episode_before') }}
),

recoveries as (
    select
        episodes.episode_id,
        min(anc_day.collected_date) as recovered_date
    from episodes
    inner join {{ ref('int_anc_day') }} as anc_day
        on
            episodes.definition_id = anc_day.definition_id
            and episodes.patient_no = anc_day.patient_no
            and anc_day.is_recovered
            and anc_day.collected_date >= episodes.end_before
            and anc_day.collected_date < episodes.onset_date
    group by episodes.episode_id
),

-- treatments from the day of the first onset to the day before the second (a sample on an infusion day is drawn before the
-- infusion), the last one first
treatments_between as (
    select
        episodes.episode_id,
        treatments.given_date,
        treatments.drug,
        treatments.is_dose,
        treatments.relation,
        row_number() over (
            partition by episodes.episode_id
            order by treatments.treatment_number desc
        ) as from_last
    from episodes
    inner join {{ ref('int_episode_treatment') }} as treatments
        on
            episodes.episode_id_before = treatments.episode_id
            and treatments.given_date < episodes.onset_date
)

select
    episodes.episode_id,
    sum(case when recoveries.episode_id is not null then 1 else 0 end) over (
        partition by episodes.definition_id, episodes.patient_no order by episodes.episode_number asc
        rows between unbounded preceding and current row
    ) as recurrence_number,
    episodes.onset_before is not null and recoveries.episode_id is null as continuation_possible,
    case
        -- the number did not grow
        when recoveries.episode_id is null then null
        when treatments_between.relation is null then 'no_further_treatment'
        when treatments_between.relation = 'same_drug' then 'rechallenge'
        else concat('after_', treatments_between.relation)
    end as recurrence_context,
    episodes.episode_id_before,
    episodes.onset_before,
    recoveries.recovered_date,
    treatments_between.given_date as treated_date,
    treatments_between.drug as treated_with,
    treatments_between.is_dose as is_treated_by_dose
from episodes
left join recoveries on episodes.episode_id = recoveries.episode_id
left join treatments_between
    on episodes.episode_id = treatments_between.episode_id and treatments_between.from_last = 1
