{# Two relations at the grain definition x patient x episode. #}
{% macro same_episode(one, other) -%}
    {{ one }}.definition_id = {{ other }}.definition_id
    and {{ one }}.patient_no = {{ other }}.patient_no
    and {{ one }}.episode_number = {{ other }}.episode_number
{%- endmacro %}
