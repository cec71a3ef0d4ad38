/*
Grain: definition x measure x stratum (overall, attributed drug; for recovery also with or without G-CSF) x time in days: the
case episodes with that time. mart_duration summarises these counts.
Rules: an episode is followed from its onset to its recovery, or to its last measurement if it is lost or ongoing (no event). A
definition without a case has one row per measure, with n_episodes = 0.
*/
with case_episodes as (
    select
        episode.definition_id,
        episode.attributed_drug as drug,
        case when episode.gcsf_treated then 'with_gcsf' else 'without_gcsf' end as gcsf,
        episode.days_since_last_dose,
        {{ days_between('episode.onset_date', 'episode.last_measured_date') }} as observed_days,
        case when episode.end_status = 'recovered' then 1 else 0 end as has_recovered,
        episode.onset_date = first_case.first_case_onset as is_first
    from {{ ref('int_episode_final') }} as episode
    inner join {{ ref('int_first_case') }} as first_case
        on episode.definition_id = first_case.definition_id and episode.patient_no = first_case.patient_no
    where episode.is_case_episode
),

times as (
    {%- for measure in ['last_dose_to_first_onset', 'last_dose_to_onset'] %}
    select
        definition_id,
        '{{ measure }}' as measure,
        drug,
        cast(null as varchar) as gcsf,
        days_since_last_dose as time_days,
        1 as n_episodes,
        1 as n_events
    from case_episodes
    {%- if measure == 'last_dose_to_first_onset' %}
    where is_first
    {%- endif %}
    union all
    {%- endfor %}
    select
        definition_id,
        'onset_to_recovery' as measure,
        drug,
        gcsf,
        observed_days as time_days,
        1 as n_episodes,
        has_recovered as n_events
    from case_episodes
    {%- for measure in ['last_dose_to_first_onset', 'last_dose_to_onset', 'onset_to_recovery'] %}
    union all
    select
        definition_id,
        '{{ measure }}' as measure,
        cast(null as varchar) as drug,
        cast(null as varchar) as gcsf,
        0 as time_days,
        0 as n_episodes,
        0 as n_events
    from {{ ref('int_case_definition') }}
    {%- endfor %}
),

in_strata as (
    {{ in_strata('times', ['drug', 'gcsf']) }}
)

select
    definition_id,
    measure,
    stratum_type,
    stratum,
    time_days,
    cast(sum(n_episodes) as bigint) as n_episodes,
    cast(sum(n_events) as bigint) as n_events
from in_strata
group by definition_id, measure, stratum_type, stratum, time_days
