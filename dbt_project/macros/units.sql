{# Folds typographic variants of a unit into the one spelling in the seed `units`. #}
{% macro folded_unit(text) -%}
    regexp_replace(
        regexp_replace(
            replace(
                translate(split_part({{ plain_characters(text) }}, '^^', 1), 'µμ×⁰¹²³⁴⁵⁶⁷⁸⁹', 'uux0123456789'), ' ', ''
            ), '^[xX*·•](10)', '\1'
        ), '^10(\^|\*\*|[Ee])', '10*'
    )
{%- endmacro %}

{# Drops the percent sign of a value whose unit is a percentage already, as in an Excel cell formatted that way: 45%. #}
{% macro without_percent_sign(text, unit_dimension) -%}
    case when {{ unit_dimension }} = 'percent' then regexp_replace({{ text }}, ' *%$', '') else {{ text }} end
{%- endmacro %}

{# Converts a number to the canonical unit of its dimension, DECIMAL(18,6), rounded half up; NULL if it does not fit. #}
{% macro to_canonical(number, factor) -%}
    {{ return(adapter.dispatch('to_canonical')(number, factor)) }}
{%- endmacro %}
{% macro default__to_canonical(number, factor) -%}
    cast({{ number }} * cast({{ factor }} as decimal(14, 9)) as decimal(18, 6))
{%- endmacro %}
{% macro duckdb__to_canonical(number, factor) -%}
    try_cast({{ number }} * cast({{ factor }} as decimal(14, 9)) as decimal(18, 6))
{%- endmacro %}

{#
  A value that can't be a blood count, after conversion (10^9/L, %): ANC above 100, WBC above 1000, a percentage above 100, a
  number too large for the type, or a count that contradicts its unit (below). Source: registry design; the upper bounds
  follow CALIBER and the OHDSI unit tables.
#}
{% macro is_implausible(number, canonical) -%}
    (is_fitting_unit and {{ number }} is not null and {{ canonical }} is null)
    or (analyte = 'anc' and {{ canonical }} > 100)
    or (analyte = 'wbc' and {{ canonical }} > 1000)
    or (analyte_dimension = 'percent' and {{ canonical }} > 100)
    or {{ is_no_count_of_cells(number, canonical) }}
{%- endmacro %}

{#
  A laboratory counts whole cells, so a count between 0 and one cell per microlitre, or one below 100 cells per microlitre
  that is not a whole number, has the wrong unit. The six decimals of the converted value are exact for whole cells per
  microlitre and round off the noise of floats (0.0349999998 is 35 cells).
  CD19 cells are exempt: while they are depleted, flow cytometry reports fractions of a cell per microlitre.
#}
{% macro is_no_count_of_cells(number, canonical) -%}
    (
        analyte_dimension = 'count' and analyte <> 'cd19_abs' and {{ number }} > 0
        and ({{ canonical }} < 0.001 or ({{ canonical }} < 0.1 and {{ canonical }} * 1000 <> floor({{ canonical }} * 1000)))
    )
{%- endmacro %}

{#
  A count (10^9/L) that contradicts its unit although the row is valid: lymphocytes above the limit for leukocytes (1000, see
  above), or platelets below 1 or above 10,000, a factor of a thousand from a realistic count. Such a count is published
  but not graded: no unit is guessed. Source: this registry's choice, in line with is_implausible.
#}
{% macro is_unit_in_doubt(analyte, value) -%}
    (
        ({{ analyte }} = 'lymphocytes' and {{ value }} > 1000)
        or ({{ analyte }} = 'platelets' and ({{ value }} > 10000 or ({{ value }} > 0 and {{ value }} < 1)))
    )
{%- endmacro %}
