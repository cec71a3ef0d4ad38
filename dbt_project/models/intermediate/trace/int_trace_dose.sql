/*
Grain: an episode x a dose to which it is attributed, from which its days are counted, or which was given for it; also
the doses and lines of other suspect drugs.
*/
-- doses from onset to recovery are in gcsf_doses anyway
with gcsf_that_only_delays as (
    select distinct episode.episode_id, dose.drug, dose.administered_date
    from {{ ref('int_trace_count') }} as recovery
    inner join {{ ref('int_episode') }} as episode on recovery.episode_id = episode.episode_id
    inner join {{ ref('int_case_definition') }} as definitions on episode.definition_id = definitions.definition_id
    inner join {{ ref('int_dose') }} as dose
        on
            episode.patient_no = dose.patient_no
            and dose.drug_class = 'gcsf'
            and {{ within_days_after('recovery.on_date', 'dose.administered_date', 'definitions.gcsf_days') }}
    left join {{ ref('int_episode_gcsf_dose') }} as counted
        on
            recovery.episode_id = counted.episode_id
            and dose.drug = counted.drug
            and dose.administered_date = counted.administered_date
    where recovery.rule = 'provisional_recovery' and counted.episode_id is null
)

select
    {{ trace_step(
        'episode', "'attributed_dose'", 'episode.last_dose_date', 1, "'dose'", drug='episode.attributed_drug') }}
from {{ ref('int_episode_attributed') }} as episode
where episode.attributed_drug is not null
union all
select
    {{ trace_step(
        'episode', "'previous_drug'", 'episode.previous_drug_date', 1, "'dose'", drug='episode.previous_drug') }}
from {{ ref('int_episode_attributed') }} as episode
where episode.previous_drug is not null
union all
select
    {{ trace_step('episode', "'first_dose_of_course'", 'days.dose_date', 1, "'dose'", drug='days.drug') }}
from {{ ref('int_episode_attributed') }} as episode
inner join {{ ref('int_anti_cd20_day') }} as days
    on episode.patient_no = days.patient_no and episode.course_start_date = days.dose_date
union all
select
    {{ trace_step('episode', "'gcsf'", 'episode.administered_date', 3, "'dose'", drug='episode.drug') }}
from {{ ref('int_episode_gcsf_dose') }} as episode
union all
select
    {{ trace_step('episode', "'gcsf_before_recovery'", 'episode.administered_date', 1, "'dose'", drug='episode.drug') }}
from gcsf_that_only_delays as episode
union all
select
    {{ trace_step(
        'episode', "'other_suspect_drug'", 'episode.first_date', 1, 'episode.record_of', key='episode.record_key',
        drug='episode.drug') }}
from {{ ref('int_episode_suspect_given') }} as episode
