{{ config(materialized='view') }}
/*
Grain: a delivered row of any entity that is not current, with its one disposition.
*/
{% for name in ['patient', 'treatment', 'administration', 'lab_result', 'clinical_event', 'adjudication'] %}
select * from {{ ref('int_' ~ name ~ '_set_aside') }}
{{ "union all" if not loop.last }}
{% endfor %}
