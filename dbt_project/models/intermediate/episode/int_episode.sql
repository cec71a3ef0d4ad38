/*
Grain: definition x patient x episode of neutropenia: onset, end, nadir.
Rules: int_episode_day decides which days belong to it. Nadir: the lowest low ANC; on ties, its first day.
n_gcsf_rebounds: how often low values came back after a provisional recovery.
*/
with courses as (
    select
        episode_id,
        definition_id,
        patient_no,
        episode_number,
        min(collected_date) as onset_date,
        max(collected_date) as last_measured_date,
        count(*) as n_measurements,
        sum(case when is_rebound then 1 else 0 end) as n_gcsf_rebounds,
        max(case when is_recovered then collected_date end) as last_recovered_date,
        {{ value_of_first('collected_date', ['anc', 'operator_order', 'collected_date'], 'is_low') }} as nadir_date
    from {{ ref('int_episode_day') }}
    group by episode_id, definition_id, patient_no, episode_number
),

last_measured as (
    select definition_id, patient_no, max(collected_date) as collected_date
    from {{ ref('int_anc_day') }}
    group by definition_id, patient_no
),

ended as (
    select
        courses.*,
        patient.observation_end,
        case
            -- the first ANC >= recovery_at ends it
            when courses.last_recovered_date = courses.last_measured_date then 'recovered'
            -- a later measurement is not part of it: a gap of more than max_gap_days closed it, on the day before the gap
            when last_measured.collected_date > courses.last_measured_date then 'lost'
            -- nothing was measured for too long to call it open
            when {{ days_between('courses.last_measured_date', 'patient.observation_end') }} > definitions.max_gap_days then 'lost'
            else 'ongoing'
        end as end_status
    from courses
    inner join {{ ref('int_case_definition') }} as definitions on courses.definition_id = definitions.definition_id
    inner join {{ ref('int_observed_patient') }} as patient on courses.patient_no = patient.patient_no
    inner join last_measured
        on courses.definition_id = last_measured.definition_id and courses.patient_no = last_measured.patient_no
),

last_normal as (
    select ended.episode_id, max(anc_day.collected_date) as last_normal_date
    from ended
    inner join {{ ref('int_anc_day') }} as anc_day
        on
            ended.definition_id = anc_day.definition_id
            and ended.patient_no = anc_day.patient_no
            and anc_day.collected_date < ended.onset_date
    where anc_day.is_recovered
    group by ended.episode_id
)

select
    ended.episode_id,
    ended.definition_id,
    ended.patient_no,
    ended.episode_number,
    ended.onset_date,
    last_normal.last_normal_date,
    case when ended.end_status <> 'ongoing' then ended.last_measured_date end as end_date,
    ended.end_status,
    case when ended.end_status <> 'ongoing' then ended.last_measured_date else ended.observation_end end as window_end_date,
    ended.observation_end,
    ended.last_measured_date,
    ended.n_measurements,
    ended.n_gcsf_rebounds,
    nadir.anc as nadir,
    nadir.operator as nadir_operator,
    nadir.collected_date as nadir_date,
    nadir.lln as nadir_lln
from ended
inner join {{ ref('int_episode_day') }} as nadir
    on ended.episode_id = nadir.episode_id and ended.nadir_date = nadir.collected_date
left join last_normal on ended.episode_id = last_normal.episode_id
