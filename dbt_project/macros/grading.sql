{#
  Grading. The bounds are only in the seed grading_scales; SQL, gate and report read the same rows.
  The order of evaluation follows the CTCAE implementation in the R package admiral: without a value there is no grade; then
  absolute cut-offs, the most severe first; then limits that use the laboratory's lower limit of normal (LLN), which give
  NULL if it is missing. NULL means "can't be graded", never "none".

  A value with an operator gets a grade only if all values it allows have that grade. This is why grades take an interval.
#}

{% macro interval_low(value, operator) -%}
    case when {{ operator }} in ('<', '<=') then cast(0 as decimal(18, 6)) else {{ value }} end
{%- endmacro %}

{% macro interval_high(value, operator) -%}
    case when {{ operator }} in ('>', '>=') then cast(999999999 as decimal(18, 6)) else {{ value }} end
{%- endmacro %}

{# The order of values with the same number: "<b" counts as just below b, "<=b" may be below it, ">b" is just above it. #}
{% macro operator_order(operator) -%}
    case {{ operator }} when '<' then 1 when '<=' then 2 when '>=' then 4 when '>' then 5 else 3 end
{%- endmacro %}

{# The seed's own table: a unit test mocks a ref, but bounds always come from the seed. ref() only declares the dependency. #}
{% macro scale_seed() -%}
    {% do ref('grading_scales') %}
    {{ return(api.Relation.create(database=target.database, schema='seeds', identifier='grading_scales')) }}
{%- endmacro %}

{# The rows of one scale and analyte, the most severe first. Empty at parse time. #}
{% macro grading_rows(scale, analyte) -%}
    {% set scales = scale_seed() %}
    {% set rows = [] %}
    {% if execute and flags.WHICH != 'compile' %}
        {% set query %}
            select grade, lower, lower_inclusive, upper, upper_inclusive, coalesce(lln_rule, '')
            from {{ scales }}
            where scale = '{{ scale }}' and analyte = '{{ analyte }}'
            order by severity_rank desc
        {% endset %}
        {% set rows = run_query(query).rows %}
    {% endif %}
    {{ return(rows) }}
{%- endmacro %}

{% macro grading_scale_names(analyte) -%}
    {% set scales = scale_seed() %}
    {% set names = [] %}
    {% if execute and flags.WHICH != 'compile' %}
        {% set query %}
            select distinct scale from {{ scales }} where analyte = '{{ analyte }}' order by scale
        {% endset %}
        {% for row in run_query(query).rows %}{% do names.append(row[0]) %}{% endfor %}
    {% endif %}
    {{ return(names) }}
{%- endmacro %}

{#
  The grade of an interval (columns low, high, is_low_open, is_high_open) on one scale, as text.
  lln: the record's own lower limit of normal in the same unit; NULL where it is missing.
#}
{% macro grade(scale, low, high, is_low_open, is_high_open, lln, analyte='anc') -%}
    {%- set rows = grading_rows(scale, analyte) -%}
    {%- if not rows %}cast(null as varchar){% else -%}
    case
        {%- for row in rows %}
        {%- set conditions = [] -%}
        {#- With an operator, one end of the interval is 0 or unbounded, so only the grades at the ends can meet an open bound. -#}
        {%- set is_lowest = row[1] is none or row[1] == 0 -%}
        {%- set is_highest = row[3] is none and row[5] != 'upper' -%}
        {%- if row[1] is not none -%}
            {%- if row[2] -%}
                {%- do conditions.append(low ~ ' >= ' ~ row[1]) -%}
            {%- elif is_highest -%}
                {%- do conditions.append('(' ~ low ~ ' > ' ~ row[1] ~ ' or (' ~ low ~ ' = ' ~ row[1] ~ ' and ' ~ is_low_open ~ '))') -%}
            {%- else -%}
                {%- do conditions.append(low ~ ' > ' ~ row[1]) -%}
            {%- endif -%}
        {%- endif -%}
        {%- if row[3] is not none and row[5] != 'upper' -%}
            {%- if row[4] -%}
                {%- do conditions.append(high ~ ' <= ' ~ row[3]) -%}
            {%- elif is_lowest -%}
                {%- do conditions.append('(' ~ high ~ ' < ' ~ row[3] ~ ' or (' ~ high ~ ' = ' ~ row[3] ~ ' and ' ~ is_high_open ~ '))') -%}
            {%- else -%}
                {%- do conditions.append(high ~ ' < ' ~ row[3]) -%}
            {%- endif -%}
        {%- endif -%}
        {%- if row[5] == 'upper' -%}
            {%- do conditions.append(high ~ ' < ' ~ lln) -%}
        {%- elif row[5] == 'lower' -%}
            {%- do conditions.append(low ~ ' >= ' ~ lln) -%}
        {%- endif %}
        when {{ conditions | join(' and ') }} then '{{ row[0] }}'
        {%- endfor %}
    end
    {%- endif %}
{%- endmacro %}

{#
  The values at which the meaning of an ANC changes: where a grade of any scale begins or ends, or where a shipped definition
  sets onset or recovery (a study's own definitions are left out). Each row has the bound and whether the bound itself still
  has the lower meaning. Empty at parse time.
#}
{% macro bounds_of_meaning() -%}
    {% do ref('case_definitions') %}
    {% set scales = scale_seed() %}
    {% set definitions = api.Relation.create(database=target.database, schema='seeds', identifier='case_definitions') %}
    {% set rows = [] %}
    {% if execute and flags.WHICH != 'compile' %}
        {% set query %}
            select lower as bound, not lower_inclusive as is_low from {{ scales }} where analyte = 'anc' and lower > 0
            union
            select upper as bound, upper_inclusive as is_low from {{ scales }} where analyte = 'anc' and upper is not null
            union
            select onset_below as bound, onset_inclusive as is_low from {{ definitions }}
            union
            select recovery_at as bound, false as is_low from {{ definitions }}
            order by bound, is_low
        {% endset %}
        {% set rows = run_query(query).rows %}
    {% endif %}
    {{ return(rows) }}
{%- endmacro %}

{#
  Whether two ANC values without a lower limit of normal have the same grade on every scale and are on the same side of
  onset and recovery in every shipped definition. If so, the same holds for every value between them.
#}
{% macro has_same_meaning(low, high) -%}
    true
    {%- for bound, is_low in bounds_of_meaning() %}
    {%- set is_below = '<=' if is_low else '<' %}
    and ({{ low }} {{ is_below }} {{ bound }}) = ({{ high }} {{ is_below }} {{ bound }})
    {%- endfor %}
{%- endmacro %}

{# The grade on the scale named in a column. #}
{% macro grade_on_scale_of(scale_column, low, high, is_low_open, is_high_open, lln) -%}
    {%- set names = grading_scale_names('anc') -%}
    {%- if not names %}cast(null as varchar){% else -%}
    case {{ scale_column }}
        {%- for name in names %}
        when '{{ name }}' then {{ grade(name, low, high, is_low_open, is_high_open, lln) }}
        {%- endfor %}
    end
    {%- endif %}
{%- endmacro %}

{# The grade on one scale for the analyte named in a column; NULL if the scale does not grade that analyte. #}
{% macro grade_of_analyte(scale, analyte_column, analytes, low, high, is_low_open, is_high_open, lln) -%}
    case {{ analyte_column }}
        {%- for analyte in analytes %}
        when '{{ analyte }}' then {{ grade(scale, low, high, is_low_open, is_high_open, lln, analyte) }}
        {%- endfor %}
    end
{%- endmacro %}

{#
  An absolute CTCAE cut-off takes precedence over the laboratory's own limit: 1.4 with an LLN of 1.2 is grade 2. This flags
  such results, which are frequent in people with the Duffy-null variant. NULL if the LLN or the grade is missing.
#}
{% macro is_below_cutoff_but_within_reference_range(ctcae_grade, low, lln) -%}
    case
        when {{ lln }} is not null and {{ ctcae_grade }} is not null
            then {{ low }} >= {{ lln }} and {{ ctcae_grade }} <> '0'
    end
{%- endmacro %}
