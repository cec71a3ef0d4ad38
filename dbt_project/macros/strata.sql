{#
  Repeats each row of a relation for every stratum in which it counts: overall, and one for each given column (drug, site,
  gcsf), but not their combinations. A row without a value in a column is in none of that column's strata.
#}
{% macro in_strata(relation, margins) -%}
    select *, 'overall' as stratum_type, 'all' as stratum from {{ relation }}
    {%- for margin in margins %}
    union all
    select *, '{{ margin }}' as stratum_type, {{ margin }} as stratum from {{ relation }} where {{ margin }} is not null
    {%- endfor %}
{%- endmacro %}
