/*
Grain: definition x patient x day with an ANC that belongs to an episode of neutropenia.
Rules: onset is the first low ANC outside an episode; a recovery or a gap ends it (int_anc_run). A recovery within gcsf_days
after a G-CSF dose is provisional: if the next low value comes within gcsf_days after that recovery, the episode continues.
is_rebound: the low value with which it continues.
episode_id: a hash of definition, patient and onset, so that it survives a refresh.
*/
with runs as (
    select
        definition_id,
        patient_no,
        run_number,
        min(collected_date) as start_date,
        max(collected_date) as end_date,
        max(case when is_recovered then 1 else 0 end) = 1 as has_recovered
    from {{ ref('int_anc_run') }}
    group by definition_id, patient_no, run_number
),

provisional as (
    select distinct runs.definition_id, runs.patient_no, runs.run_number
    from runs
    inner join {{ ref('int_case_definition') }} as definitions on runs.definition_id = definitions.definition_id
    inner join {{ ref('int_gcsf_day') }} as gcsf
        on
            runs.patient_no = gcsf.patient_no
            and {{ within_days_after('runs.end_date', 'gcsf.gcsf_date', 'definitions.gcsf_days') }}
    where runs.has_recovered
),

-- each run with the previous one
compared as (
    select
        runs.*,
        definitions.gcsf_days,
        lag(runs.end_date) over by_patient as previous_end_date,
        lag(provisional.run_number) over by_patient is not null as is_after_provisional
    from runs
    inner join {{ ref('int_case_definition') }} as definitions on runs.definition_id = definitions.definition_id
    left join provisional
        on
            runs.definition_id = provisional.definition_id
            and runs.patient_no = provisional.patient_no
            and runs.run_number = provisional.run_number
    window by_patient as (partition by runs.definition_id, runs.patient_no order by runs.run_number asc)
),

judged as (
    select *, is_after_provisional and {{ days_between('previous_end_date', 'start_date') }} <= gcsf_days as is_rebound
    from compared
),

numbered as (
    select
        *,
        sum(case when is_rebound then 0 else 1 end) over (
            partition by definition_id, patient_no order by run_number asc
            rows between unbounded preceding and current row
        ) as episode_number,
        max(case when not is_rebound then start_date end) over (
            partition by definition_id, patient_no order by run_number asc
            rows between unbounded preceding and current row
        ) as onset_date
    from judged
)

select
    {{ dbt.hash("numbered.definition_id || '|' || patient.patient_key || '|' || cast(numbered.onset_date as varchar)") }}
        as episode_id,
    numbered.definition_id,
    numbered.patient_no,
    numbered.episode_number,
    measured.collected_date,
    measured.anc,
    measured.operator,
    measured.operator_order,
    measured.lln,
    measured.is_low,
    measured.is_recovered,
    numbered.is_rebound and measured.collected_date = numbered.start_date as is_rebound,
    measured.anc_record_key
from numbered
inner join {{ ref('int_observed_patient') }} as patient on numbered.patient_no = patient.patient_no
inner join {{ ref('int_anc_run') }} as measured
    on
        numbered.definition_id = measured.definition_id
        and numbered.patient_no = measured.patient_no
        and numbered.run_number = measured.run_number
