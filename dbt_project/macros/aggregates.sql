{# The value of an expression in the first row by the given columns (none of them NULL), in one pass. #}
{% macro value_of_first(expression, order_by, where) -%}
    {{ return(adapter.dispatch('value_of_first')(expression, order_by, where)) }}
{%- endmacro %}
{% macro default__value_of_first(expression, order_by, where) -%}
    min_by({{ expression }}, struct({{ order_by | join(', ') }})) filter (where {{ where }})
{%- endmacro %}
{% macro duckdb__value_of_first(expression, order_by, where) -%}
    arg_min({{ expression }}, row({{ order_by | join(', ') }})) filter (where {{ where }})
{%- endmacro %}
