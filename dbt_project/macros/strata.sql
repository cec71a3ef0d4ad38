{#
  The rows of a relation once for each stratum in which they count: overall, and that of each of the given columns (drug, site,
  gcsf), not of their combinations. A row without a value for such a column counts in none of its strata.
#}
{% macro in_strata(relation, margins) -%}
    select *, 'overall' as stratum_type, 'all' as stratum from {{ relation }}
    {%- for margin in margins %}
    union all
    select *, '{{ margin }}' as stratum_type, {{ margin }} as stratum from {{ relation }} where {{ margin }} is not null
    {%- endfor %}
{%- endmacro %}
