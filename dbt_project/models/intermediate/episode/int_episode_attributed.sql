/*
Grain: definition x patient x episode, with the anti-CD20 dose it is attributed to.
Rules: the last anti-CD20 dose before the day of onset (a sample on an infusion day is drawn before the infusion), if it
is at most attribution_days back. onset_type is 'late' from late_days after that dose; for drugs given every four weeks,
the days are counted from the first dose of the current course of the class.
*/
with definitions as (
    select * from {{ ref('int_case_definition') }}
),

dose_before as (
    select
        episode.episode_id,
        episode.definition_id,
        episode.patient_no,
        max(days.dose_date) as dose_date
    from {{ ref('int_episode') }} as episode
    inner join definitions on episode.definition_id = definitions.definition_id
    inner join {{ ref('int_anti_cd20_day') }} as days
        on
            episode.patient_no = days.patient_no
            and episode.onset_date > days.dose_date
            and {{ days_between('days.dose_date', 'episode.onset_date') }} <= definitions.attribution_days
    group by episode.episode_id, episode.definition_id, episode.patient_no
),

attributed as (
    select
        dose_before.episode_id,
        days.dose_date,
        days.drug,
        days.previous_drug,
        days.previous_drug_date,
        days.dose_number,
        days.dose_source,
        drugs.interval_days,
        drugs.home_injected,
        case when drugs.interval_days <= {{ fixed_windows().four_weekly_days }} then course.course_start end as course_start_date
    from dose_before
    inner join {{ ref('int_anti_cd20_day') }} as days
        on dose_before.patient_no = days.patient_no and dose_before.dose_date = days.dose_date
    inner join {{ ref('drugs') }} as drugs on days.drug = drugs.drug
    inner join {{ ref('int_course_day') }} as course
        on
            dose_before.definition_id = course.definition_id
            and dose_before.patient_no = course.patient_no
            and dose_before.dose_date = course.dose_date
)

select
    episode.episode_id,
    episode.definition_id,
    episode.patient_no,
    episode.episode_number,
    episode.onset_date,
    episode.end_date,
    episode.end_status,
    episode.window_end_date,
    episode.observation_end,
    attributed.drug as attributed_drug,
    attributed.previous_drug,
    attributed.previous_drug_date,
    attributed.dose_date as last_dose_date,
    {{ days_between('attributed.dose_date', 'episode.onset_date') }} as days_since_last_dose,
    attributed.dose_number,
    attributed.dose_source,
    attributed.interval_days,
    attributed.home_injected,
    attributed.course_start_date,
    case
        when attributed.drug is null then null
        when
            {{ days_between('coalesce(attributed.course_start_date, attributed.dose_date)', 'episode.onset_date') }}
            >= definitions.late_days then 'late'
        else 'early'
    end as onset_type
from {{ ref('int_episode') }} as episode
inner join definitions on episode.definition_id = definitions.definition_id
left join attributed on episode.episode_id = attributed.episode_id
