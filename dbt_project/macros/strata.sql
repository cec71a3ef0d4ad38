{#
  Strata of a count: overall, and one margin for each of the given columns (drug, site, gcsf), not their cells. A row without
  a value for such a column counts in none of its strata.
#}
{% macro stratum_columns(margins) -%}
    case
        {%- for margin in margins %}
        when grouping({{ margin }}) = 0 then '{{ margin }}'
        {%- endfor %}
        else 'overall'
    end as stratum_type,
    coalesce({{ margins | join(', ') }}, 'all') as stratum
{%- endmacro %}

{# GROUP BY and HAVING of a query whose rows are the strata of each value of `keys`. #}
{% macro by_stratum(keys, margins) -%}
    {%- set key = keys | join(', ') -%}
    group by grouping sets (({{ key }}){% for margin in margins %}, ({{ key }}, {{ margin }}){% endfor %})
    having
        {%- for margin in margins %}
        {{ "and " if not loop.first }}(grouping({{ margin }}) = 1 or {{ margin }} is not null)
        {%- endfor %}
{%- endmacro %}
