/*
Grain: an episode x a step that makes it a case episode or keeps it from being one: the cohort, the attribution, the final
verdict of the chart review and those it overruled, and last the conclusion, which has no date.
*/
with episodes as (
    select
        episode.episode_id,
        episode.definition_id,
        episode.patient_no,
        episode.onset_date,
        episode.attributed_drug,
        episode.is_case_episode,
        exclusion.index_date,
        exclusion.first_drug,
        exclusion.exclusion_reason,
        exclusion.baseline_low_date
    from {{ ref('int_episode_final') }} as episode
    inner join {{ ref('int_exclusion') }} as exclusion
        on episode.definition_id = exclusion.definition_id and episode.patient_no = exclusion.patient_no
),

last_doses_before as (
    select episodes.episode_id, episodes.patient_no, max(days.dose_date) as dose_date
    from episodes
    inner join {{ ref('int_anti_cd20_day') }} as days
        on episodes.patient_no = days.patient_no and episodes.onset_date > days.dose_date
    where episodes.attributed_drug is null
    group by episodes.episode_id, episodes.patient_no
)

select
    {{ trace_step('episode', "'index_dose'", 'episode.index_date', 1, "'dose'", drug='episode.first_drug') }}
from episodes as episode
where episode.index_date is not null
union all
select
    {{ trace_step('episode', 'episode.exclusion_reason', 'episode.index_date', 1, "'dose'", drug='episode.first_drug') }}
from episodes as episode
where episode.exclusion_reason = 'outside_enrolment'
union all
select
    {{ trace_step('episode', 'episode.exclusion_reason', 'episode.index_date', 4, "'patient'") }}
from episodes as episode
where episode.exclusion_reason = 'missing_demographics'
union all
select
    {{ trace_step('episode', 'episode.exclusion_reason', 'episode.onset_date', 4) }}
from episodes as episode
where episode.exclusion_reason = 'never_treated'
union all
select
    {{ trace_step(
        'episode', 'episode.exclusion_reason', 'episode.baseline_low_date', 2, "'anc'", key='anc_day.anc_record_key',
        count='anc_day') }}
from episodes as episode
inner join {{ ref('int_anc_day') }} as anc_day
    on
        episode.definition_id = anc_day.definition_id
        and episode.patient_no = anc_day.patient_no
        and episode.baseline_low_date = anc_day.collected_date
where episode.exclusion_reason = 'baseline_neutropenia'
union all
select
    {{ trace_step('episode', "'dose_too_long_before'", 'days.dose_date', 1, "'dose'", drug='days.drug') }}
from last_doses_before as episode
inner join {{ ref('int_anti_cd20_day') }} as days
    on episode.patient_no = days.patient_no and episode.dose_date = days.dose_date
union all
select
    {{ trace_step('episode', "'no_dose_before'", 'episode.onset_date', 4) }}
from episodes as episode
left join last_doses_before on episode.episode_id = last_doses_before.episode_id
where episode.attributed_drug is null and last_doses_before.dose_date is null
union all
select
    {{ trace_step(
        'episode', dbt.concat(["'review_'", 'episode.verdict']), 'episode.reviewed_date', 4, "'adjudication'",
        key='episode.verdict_key') }}
from {{ ref('int_episode_review') }} as episode
union all
select
    {{ trace_step(
        'episode', dbt.concat(["'overruled_'", 'episode.verdict']), 'episode.reviewed_date', 4, "'adjudication'",
        key='episode.record_key') }}
from {{ ref('int_episode_adjudication') }} as episode
inner join {{ ref('int_episode_review') }} as review on episode.episode_id = review.episode_id
where episode.record_key <> review.verdict_key
union all
select
    {{ trace_step(
        'episode', "case when episode.is_case_episode then 'case_episode' else 'no_case_episode' end",
        'cast(null as date)', 5) }}
from episodes as episode
