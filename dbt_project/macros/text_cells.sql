{#
  Reads cells as sent: blanks and numbers (dates: read_dates.sql). A pattern is checked before any cast, so that no engine
  raises an error, guesses, or prints a value. Engine-specific functions belong here and nowhere else.
#}

{# A cell without surrounding white space; NULL if nothing is left. #}
{% macro cell(column) -%}
    nullif({{ trimmed_cell(column) }}, '')
{%- endmacro %}

{#
  Whether a cell is what a spreadsheet shows when it has no value: an error, or a formula without a stored value.
  is_sheet_error in registry/config/input_contract.py has the same rule. False for NULL.
#}
{% macro is_sheet_error(cell) -%}
    coalesce(
        ({{ cell }} like '#%' or {{ cell }} like 'Err:%')
        and {{ matches(cell, '#(FORMULA|GETTING_DATA|N/?[ADV]|[¡¿]?[A-ZÜ/0_]+[!?])|Err:\\d{3}') }},
        false
    )
{%- endmacro %}

{% macro trimmed_cell(column) -%}
    {{ return(adapter.dispatch('trimmed_cell')(column)) }}
{%- endmacro %}
{% macro default__trimmed_cell(column) -%}
    trim({{ column }})
{%- endmacro %}
{% macro duckdb__trimmed_cell(column) -%}
    trim({{ column }}, ' ' || chr(9) || chr(10) || chr(13) || chr(160))
{%- endmacro %}

{# A trimmed cell; NULL if it is empty or one of the site's words for "no value" (stg_input_file.missing_words). #}
{% macro told_cell(text, missing_words) -%}
    case
        when {{ missing_words }} is null then nullif({{ text }}, '')
        when strpos({{ missing_words }}, chr(31) || lower({{ text }}) || chr(31)) = 0 then nullif({{ text }}, '')
    end
{%- endmacro %}

{#
  A word of a coded column without case, accents, invisible characters, extra blanks and a point at its end. All dashes become
  one kind, full-width letters become plain ones. folded_word in registry/config/terminology.py does the same.
#}
{% macro folded_word(text) -%}
    {{ return(adapter.dispatch('folded_word')(text)) }}
{%- endmacro %}
{% macro duckdb__folded_word(text) -%}
    rtrim(trim(regexp_replace({{ plain_characters("strip_accents(lower(" ~ text ~ "))") }}, ' +', ' ', 'g')), '. ')
{%- endmacro %}

{#
  Text without invisible characters, with one kind of blank and one kind of dash, and with plain letters, digits and signs
  instead of full-width ones. plain_characters in registry/config/terminology.py does the same.
#}
{% macro plain_characters(text) -%}
    {{ return(adapter.dispatch('plain_characters')(text)) }}
{%- endmacro %}
{% macro duckdb__plain_characters(text) -%}
    translate(
        regexp_replace(
            regexp_replace(
                regexp_replace({{ text }}, '[\x{ad}\x{61c}\x{180e}\x{200b}-\x{200f}\x{202a}-\x{202e}\x{2060}-\x{206f}\x{feff}]', '', 'g'),
                '[\x{2010}-\x{2015}\x{2212}\x{fe58}\x{fe63}]', '-', 'g'
            ),
            '[\x{9}-\x{d}\x{1c}-\x{1f}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}]', ' ', 'g'
        ),
        '！＂＃＄％＆＇（）＊＋，－．／０１２３４５６７８９：；＜＝＞？＠ＡＢＣＤＥＦＧＨＩＪＫＬＭＮＯＰＱＲＳＴＵＶＷＸＹＺ［＼］＾＿｀ａｂｃｄｅｆｇｈｉｊｋｌｍｎｏｐｑｒｓｔｕｖｗｘｙｚ｛｜｝～',
        '!"#$%&''()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\]^_`abcdefghijklmnopqrstuvwxyz{|}~'
    )
{%- endmacro %}

{# A cell with plain characters, as above. Most cells are plain ASCII already and stay as they are. #}
{% macro plain_cell(text) -%}
    {{ return(adapter.dispatch('plain_cell')(text)) }}
{%- endmacro %}
{% macro default__plain_cell(text) -%}
    nullif(trim({{ plain_characters(text) }}), '')
{%- endmacro %}
{% macro duckdb__plain_cell(text) -%}
    case when strlen({{ text }}) = length({{ text }}) then {{ text }} else {{ default__plain_cell(text) }} end
{%- endmacro %}

{#
  A code without case, blanks, invisible characters, and the ".0" that a spreadsheet or a data frame adds to a code of digits.
  folded_code in registry/config/terminology.py does the same.
#}
{% macro folded_code(text) -%}
    {{ return(adapter.dispatch('folded_code')(text)) }}
{%- endmacro %}
{% macro duckdb__folded_code(text) -%}
    regexp_replace(
        trim(replace({{ plain_characters("lower(" ~ text ~ ")") }}, ' ', ''), '"'';,'), '^(\d+)\.0+$', '\1'
    )
{%- endmacro %}

{# A value without the site's flags at either end (stg_input_file.flags_before, flags_behind). #}
{% macro without_flags(text, before, behind) -%}
    {{ return(adapter.dispatch('without_flags')(text, before, behind)) }}
{%- endmacro %}
{% macro duckdb__without_flags(text, before, behind) -%}
    case
        when {{ behind }} is null or {{ text }} is null then {{ text }}
        else regexp_replace(
            case when {{ before }} = '' then {{ text }} else regexp_replace({{ text }}, {{ before }}, '') end,
            {{ behind }}, ''
        )
    end
{%- endmacro %}

{# The flags around a value: the text without the plain value. #}
{% macro flags_of(text, plain_text) -%}
    {{ return(adapter.dispatch('flags_of')(text, plain_text)) }}
{%- endmacro %}
{% macro duckdb__flags_of(text, plain_text) -%}
    trim(regexp_replace(replace({{ text }}, {{ plain_text }}, ' '), ' +', ' ', 'g'))
{%- endmacro %}

{% macro matches(text, pattern) -%}
    {{ return(adapter.dispatch('matches')(text, pattern)) }}
{%- endmacro %}
{% macro default__matches(text, pattern) -%}
    {{ text }} rlike '^({{ pattern }})$'
{%- endmacro %}
{% macro duckdb__matches(text, pattern) -%}
    regexp_full_match({{ text }}, '{{ pattern }}')
{%- endmacro %}

{#
  A number as sent, converted from the site's decimal and thousands marks to the plain form "1234.5". Text that does not
  follow those marks (thousands not in groups of three, a foreign mark) becomes NULL and is never guessed. A number that
  begins with 0 has no thousands: where the point is the thousands mark, "0.750" is a foreign 0,750 and not 750.
#}
{% macro plain_number(text, decimal_mark, thousands_mark) -%}
    case
        when {{ decimal_mark }} = '.' and {{ thousands_mark }} is null then {{ text }}
        when {{ decimal_mark }} <> '.' and strpos({{ text }}, '.') > 0 and coalesce({{ thousands_mark }}, '') <> '.' then null
        when {{ thousands_mark }} is null or strpos({{ text }}, {{ thousands_mark }}) = 0
            then replace({{ text }}, {{ decimal_mark }}, '.')
        when {{ matches(
            "replace(replace(" ~ text ~ ", " ~ thousands_mark ~ ", '_'), " ~ decimal_mark ~ ", '.')",
            '[<>=≤≥ ]*[+-]?[1-9]\\d{0,2}(_\\d{3})+(\\.\\d*)?') }} and strpos({{ text }}, '_') = 0
            then replace(replace({{ text }}, {{ thousands_mark }}, ''), {{ decimal_mark }}, '.')
    end
{%- endmacro %}

{% macro is_number(text) -%}
    {{ matches(text, '(<=|>=|<|>|≤|≥)?\\s*[+-]?(\\d+\\.?\\d*|\\.\\d+)([eE][+-]?\\d+)?') }}
{%- endmacro %}

{#
  Whether an amount begins with zero, with any marks: 0, 0,0 mg, 0/600 mg, 0 mg (not given). Not 0.5, and not what may be more
  than zero: a range (0-300 mg) or a daily schedule (0-0-1).
#}
{% macro is_zero_amount(text) -%}
    {%- set zero = '[+-]?(0+([.,]0*)?|[.,]0+)\\s*' -%}
    (
        {{ matches(text, '(?s)' ~ zero ~ '([^\\p{N}\\s.,].*)?') }}
        and not {{ matches(text, '(?s)' ~ zero ~ '[+-]\\s*\\p{N}.*') }}
    )
{%- endmacro %}

{# A dose without the unit after its number, as in 300 mg, 0MU or 5 µg/kg. Any other text stays as it is. #}
{% macro without_dose_unit(text) -%}
    {{ return(adapter.dispatch('without_dose_unit')(text)) }}
{%- endmacro %}
{% macro duckdb__without_dose_unit(text) -%}
    regexp_replace({{ text }}, '^([<>=≤≥]* *[+-]?[0-9.,][0-9., ]*?) *[\p{L}%][\p{L}.%]*( ?[/*·]? ?[\p{L}²³]+[23]?)*$', '\1')
{%- endmacro %}

{# The operator in front of a number (<, <=, >, >=); NULL if there is none. #}
{% macro number_operator(text) -%}
    case
        when {{ text }} like '<=%' or {{ text }} like '≤%' then '<='
        when {{ text }} like '>=%' or {{ text }} like '≥%' then '>='
        when {{ text }} like '<%' then '<'
        when {{ text }} like '>%' then '>'
    end
{%- endmacro %}

{# The number with 12 decimals; NULL if the text is not a number or exceeds 10^12. The text must come from plain_number. #}
{% macro number_value(text) -%}
    {{ return(adapter.dispatch('number_value')(text)) }}
{%- endmacro %}
{% macro default__number_value(text) -%}
    case when {{ is_number(text) }} then cast(trim(regexp_replace({{ text }}, '[<>=≤≥]', '')) as decimal(24, 12)) end
{%- endmacro %}
{% macro duckdb__number_value(text) -%}
    case when {{ is_number(text) }} then try_cast(ltrim({{ text }}, '<>=≤≥ ') as decimal(24, 12)) end
{%- endmacro %}
