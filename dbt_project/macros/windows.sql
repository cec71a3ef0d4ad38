{#
  The windows that no definition or study can change, in days (tolerated_intervals in dosing intervals). They are only here,
  so that the hash of a definition's meaning (meta.definition) covers them. The model that uses a window explains it.
#}
{% macro fixed_windows() -%}
    {{ return({
        'baseline_days': 365,
        'event_days_after': 14,
        'event_days_before': 7,
        'four_weekly_days': 28,
        'gcsf_course_days': 14,
        'gcsf_days_unrecovered': 30,
        'line_start_days': 30,
        'relapse_days': 90,
        'suspect_days': 90,
        'tolerated_intervals': 1.5,
    }) }}
{%- endmacro %}

{# The windows as one text, sorted by name. #}
{% macro fixed_windows_text() -%}
    {%- for name, value in fixed_windows() | dictsort %}{{ name }}={{ value }}{{ ';' if not loop.last }}{% endfor -%}
{%- endmacro %}
