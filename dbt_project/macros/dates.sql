{#
  Day arithmetic. Every window of the registry is a difference of dates, both ends included.
  dbt's cross-database macros do the dispatch; results are cast back to DATE because engines return different types.
#}
{% macro days_between(earlier, later) -%}
    {{ dbt.datediff(earlier, later, 'day') }}
{%- endmacro %}

{% macro add_days(day, number) -%}
    cast({{ dbt.dateadd('day', number, day) }} as date)
{%- endmacro %}

{# The window "within N days after X": 0 <= day - X <= N. #}
{% macro within_days_after(day, anchor, number) -%}
    ({{ day }} >= {{ anchor }} and {{ days_between(anchor, day) }} <= {{ number }})
{%- endmacro %}

{# Last day of the first year on anti-CD20 treatment: day 365 after the index date. Later days are 'later'. #}
{% macro end_of_first_year(index_date) -%}
    {{ add_days(index_date, 365) }}
{%- endmacro %}

{% macro last_day_of_month(month_text) -%}
    {{ dbt.last_day("cast(" ~ month_text ~ " || '-01' as date)", 'month') }}
{%- endmacro %}

{#
  First and last day of a date as known (YYYY, YYYY-MM or YYYY-MM-DD; macro date_as_known). A partial date contradicts another
  date only if its whole period does: it is after a day if its first day is, and before a day if its last day is.
#}
{% macro first_day(known) -%}
    cast({{ known }} || substring('-01-01', length({{ known }}) - 3) as date)
{%- endmacro %}

{% macro last_day(known) -%}
    case length({{ known }})
        when 4 then cast({{ known }} || '-12-31' as date)
        when 7 then cast({{ last_day_of_month(known) }} as date)
        else cast({{ known }} as date)
    end
{%- endmacro %}

{# Completed years from one date to another. #}
{% macro full_years_between(earlier, later) -%}
    extract(year from {{ later }}) - extract(year from {{ earlier }})
    - case
        when extract(month from {{ later }}) * 100 + extract(day from {{ later }})
            < extract(month from {{ earlier }}) * 100 + extract(day from {{ earlier }}) then 1
        else 0
    end
{%- endmacro %}

{# YYYY-MM as a running month number, and back, so that the distance between two delivery months is a subtraction. #}
{% macro month_number(month_text) -%}
    (cast(substring({{ month_text }}, 1, 4) as integer) * 12 + cast(substring({{ month_text }}, 6, 2) as integer) - 1)
{%- endmacro %}

{% macro month_text(month_number) -%}
    concat(
        lpad(cast(cast(floor({{ month_number }} / 12) as integer) as varchar), 4, '0'),
        '-',
        lpad(cast(mod({{ month_number }}, 12) + 1 as varchar), 2, '0')
    )
{%- endmacro %}
