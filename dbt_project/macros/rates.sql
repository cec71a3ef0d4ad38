{#
  A risk or a rate of a row with n_patients and n_never_tested: NULL where nobody was tested. No case can be seen in a
  patient without a count at risk, so nothing is known of a stratum of such patients, or of none.
#}
{% macro if_tested(value) -%}
    cast(case when n_patients > n_never_tested then {{ value }} end as double)
{%- endmacro %}
