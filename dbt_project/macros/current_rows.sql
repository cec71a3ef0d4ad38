{# Rows of a typed relation that are current and not cancelled: what the registry uses. #}
{% macro current_rows(relation, set_aside_relation) -%}
    select r.*
    from {{ relation }} as r
    left join {{ set_aside_relation }} as aside
        on r.file_no = aside.file_no and r.record_number = aside.record_number
    where aside.file_no is null and not r.is_cancelled
{%- endmacro %}
