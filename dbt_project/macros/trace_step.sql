{#
  The columns of one step in an episode's trace (meta.episode_trace), in the same order for all models that write steps.

  episode: alias of a relation with one row per episode; rule: SQL text; on_date: the day that the rule is about.
  order_in_day: 1 given before the day's sample, 2 the count, 3 what followed it, 4 a judgement, 5 the conclusion.
  record_of: the kind of record behind the step (anc, dose, line, event, adjudication, patient, contact), as in meta.lineage;
  NULL without a record, for example if no count was sent. key: the record (not for doses, patients and contacts).
  count: alias with anc and operator; drug: for a dose or line; earlier_episode: id of the episode before.
#}
{% macro trace_step(episode, rule, on_date, order_in_day, record_of='cast(null as varchar)', key=none, count=none,
    drug='cast(null as varchar)', earlier_episode='cast(null as varchar)') -%}
        {{ episode }}.episode_id,
        {{ named(on_date, 'on_date') }},
        {{ order_in_day }} as order_in_day,
        {{ named(rule, 'rule') }},
        {{ named(record_of, 'record_of') }},
        {% if key %}{{ key_text(key) }}{% else %}cast(null as varchar){% endif %} as record_key,
        {{ named(count ~ '.anc' if count else 'cast(null as decimal(18, 6))', 'anc') }},
        {{ named(count ~ '.operator' if count else 'cast(null as varchar)', 'operator') }},
        {{ named(drug, 'drug') }},
        {{ earlier_episode }} as earlier_episode_id
{%- endmacro %}

{# Names an expression, unless it has that name already. #}
{% macro named(expression, name) -%}
    {{ expression }}{{ " as " ~ name if not expression.endswith('.' ~ name) }}
{%- endmacro %}
