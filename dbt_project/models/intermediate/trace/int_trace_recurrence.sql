/*
Grain: an episode x a step that decided its recurrence number, continuation_possible and recurrence context: the earlier
episode, the recovery from it, the last treatment between the two onsets. A judgement based on something missing has the
day of onset as its date.
*/
with episodes as (
    select recurrence.*, attributed.definition_id, attributed.patient_no, attributed.onset_date
    from {{ ref('int_recurrence') }} as recurrence
    inner join {{ ref('int_episode_attributed') }} as attributed on recurrence.episode_id = attributed.episode_id
)

select
    {{ trace_step('episode', "'first_episode'", 'episode.onset_date', 4) }}
from episodes as episode
where episode.episode_id_before is null
union all
select
    {{ trace_step(
        'episode', "'earlier_episode'", 'episode.onset_before', 2, "'anc'", key='anc_day.anc_record_key',
        count='anc_day', earlier_episode='episode.episode_id_before') }}
from episodes as episode
inner join {{ ref('int_anc_day') }} as anc_day
    on
        episode.definition_id = anc_day.definition_id
        and episode.patient_no = anc_day.patient_no
        and episode.onset_before = anc_day.collected_date
union all
select
    {{ trace_step(
        'episode', "'recovered_between'", 'episode.recovered_date', 2, "'anc'", key='anc_day.anc_record_key',
        count='anc_day') }}
from episodes as episode
inner join {{ ref('int_anc_day') }} as anc_day
    on
        episode.definition_id = anc_day.definition_id
        and episode.patient_no = anc_day.patient_no
        and episode.recovered_date = anc_day.collected_date
union all
select
    {{ trace_step('episode', "'not_recovered_between'", 'episode.onset_date', 4) }}
from episodes as episode
where episode.continuation_possible
union all
select
    {{ trace_step('episode', 'episode.recurrence_context', 'episode.treated_date', 3, "'dose'", drug='episode.treated_with') }}
from episodes as episode
where episode.recurrence_context is not null and episode.is_treated_by_dose
union all
select
    {{ trace_step(
        'episode', 'episode.recurrence_context', 'episode.treated_date', 3, "'line'", key='line.record_key',
        drug='line.drug') }}
from episodes as episode
inner join {{ ref('int_treatment_line') }} as line
    on
        episode.patient_no = line.patient_no
        and episode.treated_date = line.start_date
        and episode.treated_with = line.drug
where episode.recurrence_context is not null and not episode.is_treated_by_dose
union all
select
    {{ trace_step('episode', 'episode.recurrence_context', 'episode.onset_date', 4) }}
from episodes as episode
where episode.recurrence_context = 'no_further_treatment'
