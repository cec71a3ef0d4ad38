/*
Grain: an episode x a step that shows how it came about, in order: the counts, doses, lines, events and reviews that decided,
and the rule that applied to each. A record to which two rules applied has two steps. The file and record behind a step
are in lineage.
*/
with steps as (
    {% for model in ['int_trace_count', 'int_trace_dose', 'int_trace_action', 'int_trace_recurrence', 'int_trace_case'] %}
    select * from {{ ref(model) }}
    {{ "union all" if not loop.last }}
    {% endfor %}
)

select
    episode.episode_id,
    cast(row_number() over (
        partition by episode.episode_id
        order by
            steps.on_date asc nulls last,
            steps.order_in_day asc,
            steps.rule asc,
            steps.drug asc nulls first,
            steps.record_of asc nulls first,
            steps.record_key asc nulls first
    ) as integer) as step,
    steps.on_date,
    steps.rule,
    coalesce(steps.on_date = episode.nadir_date and steps.rule in ('onset', 'low', 'gcsf_rebound'), false) as is_nadir,
    steps.record_of,
    case when steps.record_of = 'anc' then steps.record_key end as anc_key,
    case when steps.record_of <> 'anc' then steps.record_key end as record_key,
    steps.anc as anc_10e9_l,
    steps.operator,
    steps.drug,
    steps.earlier_episode_id
from steps
inner join {{ ref('int_episode_final') }} as episode on steps.episode_id = episode.episode_id
