{# Uses the schema configured for the model's folder (staging, intermediate, main, meta), without dbt's target prefix. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name | trim if custom_schema_name else target.schema }}
{%- endmacro %}
