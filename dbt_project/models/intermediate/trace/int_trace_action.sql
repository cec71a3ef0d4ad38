/*
Grain: an episode x a dose, line or contact that decided its treatment action, or a clinical event around it.
If the first dose and the line of the next drug are on the same day, both are steps.
*/
with actions as (
    select
        *,
        case
            when treatment_action like 'switched%' then treatment_action
            when decided_by = 'dose_of_same_drug' and treatment_action = 'continued' then 'continued_with_dose'
            when decided_by = 'dose_of_same_drug' then 'resumed_with_dose'
            when decided_by = 'line_goes_on' then 'continued_by_line'
            when decided_by = 'line_end' then 'discontinued_by_line'
            when treatment_action = 'discontinued' then 'discontinued_without_dose'
            else 'pending'
        end as rule
    from {{ ref('int_treatment_action') }}
)

select
    {{ trace_step('episode', 'episode.rule', 'episode.event_date', 3, "'dose'", drug='episode.event_drug') }}
from actions as episode
inner join {{ ref('int_recorded_dose') }} as dose
    on
        episode.patient_no = dose.patient_no
        and episode.event_date = dose.administered_date
        and episode.event_drug = dose.drug
        and dose.drug_class = 'anti_cd20'
union all
select
    {{ trace_step(
        'episode', 'episode.rule', 'episode.event_date', 3, "'line'", key='line.record_key', drug='line.drug') }}
from actions as episode
inner join {{ ref('int_treatment_line') }} as line
    on
        episode.patient_no = line.patient_no
        and episode.event_date = line.start_date
        and episode.event_drug = line.drug
where episode.decided_by in ('other_in_class', 'line_out_of_class')
union all
select
    {{ trace_step(
        'episode', 'episode.rule',
        "case when episode.decided_by = 'line_end' then episode.line_end_date else episode.line_start_date end", 3,
        "'line'", key='episode.line_key', drug='attributed.attributed_drug') }}
from actions as episode
inner join {{ ref('int_episode_attributed') }} as attributed on episode.episode_id = attributed.episode_id
where episode.decided_by in ('line_goes_on', 'line_end')
union all
select
    {{ trace_step(
        'episode', "case when episode.decided_by = 'last_contact' then episode.rule else 'last_contact' end",
        'episode.follow_up_end', 3, "'contact'") }}
from actions as episode
where episode.decided_by in ('line_goes_on', 'last_contact')
union all
select
    {{ trace_step(
        'episode', 'episode.complication', 'episode.onset_date', 3, "'event'", key='episode.record_key') }}
from {{ ref('int_episode_event') }} as episode
