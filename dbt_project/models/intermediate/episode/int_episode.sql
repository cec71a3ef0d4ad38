/*
Grain: definition x patient x episode of neutropenia: onset, end, nadir.
Rules: onset is the first low ANC outside an episode. The first ANC >= recovery_at ends it 'recovered'; a gap of more
than max_gap_days ends it 'lost' on the measurement before the gap. A recovery within gcsf_days after a G-CSF dose is
provisional: where the next low value comes within gcsf_days after that recovery, the episode continues
(n_gcsf_rebounds). At the end of observation an open episode is 'ongoing', or 'lost' when its last measurement lies
more than max_gap_days before. Nadir: the lowest ANC, its first day on ties.
*/
with definitions as (
    select * from {{ ref('int_case_definition') }}
),

stretches as (
    select
        definition_id,
        patient_no,
        stretch,
        min(collected_on) as onset_on,
        max(collected_on) as last_on,
        count(*) as n_measurements,
        max(case when is_recovered then 1 else 0 end) = 1 as has_recovered
    from {{ ref('int_stretch') }}
    group by definition_id, patient_no, stretch
),

provisional as (
    select
        stretches.definition_id,
        stretches.patient_no,
        stretches.stretch,
        max(case when gcsf.gcsf_on is null then 0 else 1 end) = 1 as is_provisional
    from stretches
    inner join definitions on stretches.definition_id = definitions.definition_id
    left join {{ ref('int_gcsf_day') }} as gcsf
        on
            stretches.patient_no = gcsf.patient_no
            and stretches.has_recovered
            and {{ within_days_after('stretches.last_on', 'gcsf.gcsf_on', 'definitions.gcsf_days') }}
    group by stretches.definition_id, stretches.patient_no, stretches.stretch
),

with_the_one_before as (
    select
        stretches.*,
        definitions.gcsf_days,
        lag(stretches.last_on) over by_patient as last_on_before,
        lag(provisional.is_provisional) over by_patient as is_after_provisional
    from stretches
    inner join provisional
        on
            stretches.definition_id = provisional.definition_id
            and stretches.patient_no = provisional.patient_no
            and stretches.stretch = provisional.stretch
    inner join definitions on stretches.definition_id = definitions.definition_id
    window by_patient as (partition by stretches.definition_id, stretches.patient_no order by stretches.stretch asc)
),

numbered as (
    select
        *,
        sum(case
            when is_after_provisional and {{ days_between('last_on_before', 'onset_on') }} <= gcsf_days then 0
            else 1
        end) over (
            partition by definition_id, patient_no order by stretch asc
            rows between unbounded preceding and current row
        ) as episode_number
    from with_the_one_before
),

last_stretches as (
    select definition_id, patient_no, episode_number, max(stretch) as stretch
    from numbered
    group by definition_id, patient_no, episode_number
),

merged as (
    select
        numbered.definition_id,
        numbered.patient_no,
        numbered.episode_number,
        min(numbered.onset_on) as onset_on,
        max(numbered.last_on) as last_on,
        sum(numbered.n_measurements) as n_measurements,
        count(*) - 1 as n_gcsf_rebounds,
        max(case when numbered.stretch = last_stretches.stretch and numbered.has_recovered then 1 else 0 end) = 1
            as has_recovered
    from numbered
    inner join last_stretches
        on
            {{ same_episode('numbered', 'last_stretches') }}
    group by numbered.definition_id, numbered.patient_no, numbered.episode_number
),

-- a gap inside an episode closed its stretch: a later measurement exists that belongs to no part of it
last_measured as (
    select definition_id, patient_no, max(collected_on) as last_measured_on
    from {{ ref('int_anc_day') }}
    group by definition_id, patient_no
),

ended as (
    select
        merged.*,
        patient.observation_end,
        case
            when merged.has_recovered then 'recovered'
            when last_measured.last_measured_on > merged.last_on then 'lost'
            when {{ days_between('merged.last_on', 'patient.observation_end') }} > definitions.max_gap_days then 'lost'
            else 'ongoing'
        end as end_status
    from merged
    inner join definitions on merged.definition_id = definitions.definition_id
    inner join {{ ref('int_observed_patient') }} as patient on merged.patient_no = patient.patient_no
    inner join last_measured
        on merged.definition_id = last_measured.definition_id and merged.patient_no = last_measured.patient_no
),

nadirs as (
    select
        numbered.definition_id,
        numbered.patient_no,
        numbered.episode_number,
        measured.collected_on as nadir_on,
        measured.anc as nadir,
        measured.operator as nadir_operator,
        measured.lln as nadir_lln,
        row_number() over (
            partition by numbered.definition_id, numbered.patient_no, numbered.episode_number
            order by measured.anc asc, measured.operator_order asc, measured.collected_on asc
        ) as rank_of_value
    from numbered
    inner join {{ ref('int_stretch') }} as measured
        on
            numbered.definition_id = measured.definition_id
            and numbered.patient_no = measured.patient_no
            and numbered.stretch = measured.stretch
    where measured.is_low
),

last_normal as (
    select ended.definition_id, ended.patient_no, ended.episode_number, max(anc_day.collected_on) as last_normal_on
    from ended
    inner join {{ ref('int_anc_day') }} as anc_day
        on
            ended.definition_id = anc_day.definition_id
            and ended.patient_no = anc_day.patient_no
            and anc_day.collected_on < ended.onset_on
    where anc_day.is_recovered
    group by ended.definition_id, ended.patient_no, ended.episode_number
)

select
    ended.definition_id,
    ended.patient_no,
    ended.episode_number,
    ended.onset_on,
    last_normal.last_normal_on,
    case when ended.end_status <> 'ongoing' then ended.last_on end as end_on,
    ended.end_status,
    coalesce(case when ended.end_status <> 'ongoing' then ended.last_on end, ended.observation_end) as window_end_on,
    ended.observation_end,
    ended.last_on as last_measured_on,
    ended.n_measurements,
    ended.n_gcsf_rebounds,
    nadirs.nadir,
    nadirs.nadir_operator,
    nadirs.nadir_on,
    nadirs.nadir_lln
from ended
inner join nadirs
    on
        {{ same_episode('ended', 'nadirs') }}
        and nadirs.rank_of_value = 1
left join last_normal
    on
        {{ same_episode('ended', 'last_normal') }}
