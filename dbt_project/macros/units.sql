{#
  Folds typographic variants of a unit: characters, blanks, and usual ways to write a power of ten. A site's own spelling
  stands for these alone and not for other words of the same meaning: its 1000/uL may be cells.
#}
{% macro folded_unit(text) -%}
    regexp_replace(
        regexp_replace(
            replace(
                translate(
                    split_part(replace({{ plain_characters(text) }}, '\S\', '^'), '^^', 1),
                    'µμ×ˆ∧∗⁄⁻⁰¹²³⁴⁵⁶⁷⁸⁹', 'uux^^*/-0123456789'
                ), ' ', ''
            ), '^[xX*·•](10)', '\1'
        ), '^10(?:\^|\*\*|[Ee]([+0-9]))', '10*\1'
    )
{%- endmacro %}

{#
  The folded unit with its volume as in the seed `units`. These two macros hold the rules of a unit's form, which
  docs/deliveries.md has in words; unit_form in registry/config/terminology.py does the same.
#}
{% macro with_volume_of_seed(text) -%}
    {%- set per = "regexp_replace(" ~ text ~ ", '(?i)(^|[ \u00a0])(?:per|pro|par|por)[ \u00a0]+([^c \u00a0]|c[um.])', '/\\2')" -%}
    {%- set cubic_mm = "(?i:mm(?:\\^|\\*\\*?)?(?:3|[({]3[)}])|mmc|cu?[.-]?mm\\.?3?|cubicmm|cubicmillimet(?:er|re)s?)" -%}
    {{ replaced_in_turn(folded_unit(per), [
        ("^([^/]+?)[.·*]?(?:([unmpd]?[lL])\\^?-1|(mm)\\^?-(3))$", "\\1/\\2\\3\\4"),
        ("/(?:(?i:ul|mcl|microl|micro-?lit(?:er|re|ro)s?|mikroliter)|Μ[lL]|㎕)\\.?$", "/uL"),
        ("/(?:" ~ cubic_mm ~ "|㎣)\\.?$", "/mm3"),
        ("/(?:(?i:l|lt|ltr|lit(?:er|re|ro)s?)|ℓ)\\.?$", "/L"),
        ("/(100)?(?:m[lL]|(?i:millilit(?:er|re|ro)s?)|㎖)\\.?$", "/\\1mL"),
        ("/(?:(?i:dl|decilit(?:er|re|ro)s?)|㎗)\\.?$", "/dL"),
        ("/([np])[lL]\\.?$", "/\\1L"),
    ]) }}
{%- endmacro %}

{# A unit with its volume as in the seed, and then all of it: powers of ten, numbers in words, what is counted, percent. #}
{% macro unit_form(text) -%}
    {%- set cells = "(?i:cell\\.?|cells|cel\\.?|c[eé]ls?|c[eé]lulas?|cellul[ae]|cellules|zell|zellen|wbcs?|leu[kc]ocytes?|leucociti"
        ~ "|leucocitos|leukozyten|neutrophils|lymphocytes)" -%}
    {%- set counted = "[({]?(?:" ~ cells ~ "|(?i:plt|platelets|elementi|[eé]l[eé]ments|#|n|n[.°º]|no\\.|nr\\.?|anzahl))[)}]?" -%}
    {%- set exponent = "(?:(?:\\^|\\*\\*?|\\.?[eE]|[xX]|(?i:exp)|['’])[({\\[]?\\+?0?([1-9]|1[0-2])|[({\\[]?([23469]|12))[)}\\]]?" -%}
    {%- set thousand = "(?i:k|th|tho|thous?|thousands?|tsd|tausend|mila|migl|migliaia|mille|milliers|miles)" -%}
    {%- set million = "(?i:mio|mln|millions?|millionen|milioni|millones)" -%}
    {%- set billion = "(?i:giga|gpt|bil|billions?|mrd|milliards?|milliarden|miliardi)" -%}
    {%- set percent = "(?i:per-?cent|percentage|percento|percentuale|pct\\.?|perc\\.?|prozent|porcentaje|porciento|pour-?cent|pourcentage)" -%}
    {{ replaced_in_turn(text, [
        ("^(?:" ~ counted ~ ")?[xX*·•]?10" ~ exponent ~ "\\.?(?:" ~ counted ~ ")?/", "10*\\1\\2/"),
        ("^(?:[xX*·•]?1000|" ~ thousand ~ "\\.?)(?:" ~ counted ~ ")?/(uL|mm3)$", "10*3/\\1"),
        ("^" ~ million ~ "\\.?(?:" ~ counted ~ ")?/", "10*6/"),
        ("^" ~ billion ~ "\\.?(?:" ~ counted ~ ")?/L$", "10*9/L"),
        ("^(?:1|" ~ counted ~ ")/([unmp]?L|mm3)$", "/\\1"),
        ("^(?:%(?:(?i:of|di|des|de))?|[({]?" ~ cells ~ "?[)}]?/100)[({]?" ~ cells ~ "[)}]?$", "%"),
        ("^" ~ percent ~ "$", "%"),
        ("^(?i:gr|gm|grams?)([/%])", "g\\1"),
        ("^(?i:milligrams?)/", "mg/"),
        ("^(?i:mcg)/", "ug/"),
    ]) }}
{%- endmacro %}

{# Replaces the first match of each pattern, one after the other. #}
{% macro replaced_in_turn(text, rules) -%}
    {%- set replaced = namespace(sql=text) -%}
    {%- for pattern, replacement in rules -%}
        {%- set quoted = pattern | replace("'", "''") -%}
        {%- set replaced.sql = "regexp_replace(" ~ replaced.sql ~ ", '" ~ quoted ~ "', '" ~ replacement ~ "')" -%}
    {%- endfor -%}
    {{ replaced.sql }}
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
