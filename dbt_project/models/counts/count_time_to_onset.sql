/*
Grain: definition x stratum (overall, first drug, site) x day on which somebody's follow-up ends. mart_time_to_onset estimates
its curves from these counts.
Rules: time runs from the index date to the onset of the first case episode; without one, to the end of follow-up. A death counts
at the end of follow-up, so that both estimates have the same patients at risk on each day.
*/
with follow_up as (
    select
        member.definition_id,
        member.site,
        member.first_drug as drug,
        {{ days_between('member.index_date', 'coalesce(member.first_case_onset, member.follow_up_end)') }} as time_days,
        case when member.first_case_onset is not null then 1 else 0 end as is_case,
        case when member.has_died and member.first_case_onset is null then 1 else 0 end as is_death,
        case when never_tested.patient_no is not null then 1 else 0 end as is_never_tested
    from {{ ref('int_cohort_member') }} as member
    left join {{ ref('int_never_tested') }} as never_tested
        on member.definition_id = never_tested.definition_id and member.patient_no = never_tested.patient_no
),

in_strata as (
    {{ in_strata('follow_up', ['drug', 'site']) }}
)

select
    definition_id,
    stratum_type,
    stratum,
    time_days,
    count(*) as n_patients,
    cast(sum(is_case) as bigint) as n_events,
    cast(sum(is_death) as bigint) as n_deaths,
    cast(sum(is_never_tested) as bigint) as n_never_tested
from in_strata
group by definition_id, stratum_type, stratum, time_days
