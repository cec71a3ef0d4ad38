/*
Grain: definition x case episode: what was given after it (the same drug again, another anti-CD20 drug, a drug out of the
class, none) and when, how long the patient was followed, and whether, when and under which drug the neutropenia recurred.
last_count_at_risk_date: the patient's last ANC on a day at risk. No recurrence can be seen after it.
is_counted_in_recurrence: mart_recurrence uses the last of a case's episodes numbered 0, from which a recurrence is counted.
Mostly there is only one; a second one means that no recovery was documented, so both may be the same episode.
*/
with case_episodes as (
    select
        *,
        case when end_status = 'recovered' then end_date end as recovery_date,
        row_number() over (partition by definition_id, patient_key order by episode_number asc) as from_first,
        row_number() over (
            partition by definition_id, patient_key, recurrence_number order by episode_number desc
        ) as from_last_of_number
    from {{ ref('fct_neutropenia_episode') }}
    where is_case_episode
),

last_counts as (
    select cases.definition_id, cases.patient_key, max(anc.collected_on) as last_count_date
    from case_episodes as cases
    inner join {{ ref('dim_case_definition') }} as definitions on cases.definition_id = definitions.definition_id
    inner join {{ ref('fct_anc') }} as anc
        on cases.patient_key = anc.patient_key and anc.days_since_last_dose <= definitions.attribution_days
    where cases.from_first = 1
    group by cases.definition_id, cases.patient_key
)

select
    episode.episode_id,
    episode.definition_id,
    episode.patient_key,
    episode.site,
    episode.episode_number,
    episode.from_first = 1 as is_first_case_episode,
    episode.recurrence_number = 0 and episode.from_last_of_number = 1 as is_counted_in_recurrence,
    episode.continuation_possible,
    episode.attributed_drug,
    episode.onset_date,
    episode.recovery_date,
    episode.treatment_action,
    followed.next_treatment,
    followed.next_drug,
    followed.next_date as next_treatment_date,
    cast({{ days_between('episode.onset_date', 'followed.next_date') }} as integer) as days_from_onset,
    cast({{ days_between('episode.recovery_date', 'followed.next_date') }} as integer) as days_from_recovery,
    followed.last_treatment,
    followed.same_drug_date,
    followed.same_drug_recorded_date,
    followed.another_in_class_date,
    followed.out_of_class_date,
    followed.given_on_onset_day,
    followed.recurrence_date is not null as recurred,
    followed.recurrence_date,
    cast({{ days_between('episode.onset_date', 'followed.recurrence_date') }} as integer) as days_to_recurrence,
    followed.recurrence_drug,
    followed.recurrence_context,
    cast({{ days_between('episode.onset_date', 'followed.follow_up_end') }} as integer) as follow_up_days,
    cast({{ days_between('followed.next_date', 'followed.follow_up_end') }} as integer) as follow_up_days_after_treatment,
    last_counts.last_count_date as last_count_at_risk_date
from case_episodes as episode
inner join {{ ref('int_rechallenge') }} as followed on episode.episode_id = followed.episode_id
inner join last_counts
    on episode.definition_id = last_counts.definition_id and episode.patient_key = last_counts.patient_key
