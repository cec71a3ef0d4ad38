{#
  The risk or rate of a row that has n_patients and n_never_tested; NULL if nobody was tested. In a patient without a count
  at risk no case can be seen, so nothing is known about a stratum without patients, or with only such patients.
#}
{% macro if_tested(value) -%}
    cast(case when n_patients > n_never_tested then {{ value }} end as double)
{%- endmacro %}
