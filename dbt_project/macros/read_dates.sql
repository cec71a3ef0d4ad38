{#
  Reads dates as sent. Full dates and times are ISO 8601 or in one of the site's own formats (site.yml, csv.date_formats); a
  format without a day is for partial dates. Nothing is guessed: text that fits no format is NULL.
#}

{#
  A full date or time in the site's local time. A time with an offset is converted; one without is local already.
  not_after: the last day the date can be. A two-digit year that would be later belongs to the century before.
#}
{% macro read_time(text, site, time_zone, not_after=none) -%}
    {{ return(adapter.dispatch('read_time')(text, site, time_zone, not_after)) }}
{%- endmacro %}
{% macro duckdb__read_time(text, site, time_zone, not_after) -%}
    case
        when {{ matches(text, '\\d{4}-\\d{2}-\\d{2}([T ]\\d{2}:\\d{2}(:\\d{2}(\\.\\d{1,9})?)?)?') }}
            then try_cast({{ text }} as timestamp)
        when {{ matches(text, '\\d{4}-\\d{2}-\\d{2}[T ]\\d{2}:\\d{2}(:\\d{2}(\\.\\d{1,9})?)?(Z|[+-]\\d{2}(:?\\d{2})?)') }}
            then timezone({{ time_zone }}, try_cast({{ text }} as timestamptz))
        {{- read_as_site(text, site, not_after, full=true) }}
    end
{%- endmacro %}

{#
  A date as far as it is known: YYYY-MM-DD, or YYYY-MM or YYYY if it is partial. For dates that may be partial (birth, onset
  of the disease, last contact, death, start and end); `first_day` and `last_day` turn it into days.
  partial: the column with the result of partial_text for this text.
#}
{% macro date_as_known(text, partial, site, time_zone, not_after=none) -%}
    coalesce(
        cast(cast({{ read_time(text, site, time_zone, not_after) }} as date) as varchar),
        {{ partial_date(partial) }},
        case when {{ text }} is null then null {{- read_as_site(text, site, not_after, full=false) }} end
    )
{%- endmacro %}

{# The WHENs that read a text in the site's own formats: the full ones, or those without a day (as YYYY-MM or YYYY). #}
{% macro read_as_site(text, site, not_after, full) -%}
    {%- for name, formats in site_date_formats().items() %}
        {%- set readings = [] %}
        {%- for format in formats %}
            {%- set directives = modules.re.findall('%-?(.)', format) %}
            {%- set time = read_as(text, format, directives, not_after) %}
            {%- set is_full = 'd' in directives or 'j' in directives %}
            {%- if is_full == full %}
                {%- do readings.append(time if full else as_month(time, directives)) %}
            {%- endif %}
            {%- if is_full and full and 'H' not in directives and 'I' not in directives %}
                {#- a time that was sent in its own column: registry/ingest/split_time.py #}
                {%- do readings.append(read_as(text, format ~ ' T%H:%M:%S', directives, not_after)) %}
            {%- endif %}
        {%- endfor %}
        {%- if readings %}
        when {{ site }} = '{{ name | replace("'", "''") }}' then coalesce({{ readings | join(', ') }}, null)
        {%- endif %}
    {%- endfor %}
{%- endmacro %}

{% macro as_month(time, directives) -%}
    {%- set has_month = 'm' in directives or 'b' in directives or 'B' in directives -%}
    strftime({{ time }}, '{{ '%Y-%m' if has_month else '%Y' }}')
{%- endmacro %}

{# Reads one format. %Y must find four digits: the engine would also read 01/05/24, as a day in the year 24. #}
{% macro read_as(text, format, directives, not_after) -%}
    {%- set names_month = 'b' in directives or 'B' in directives %}
    {%- set plain = modules.re.sub('%[bB]', '%m', without_abbreviation_points(format)) if names_month else format %}
    {%- set sent = month_as_number(text, format) if names_month else text %}
    {%- set time = "try_strptime(" ~ sent ~ ", '" ~ plain | replace("'", "''") ~ "')" %}
    {%- if 'Y' in directives -%}
    nullif(greatest({{ time }}, timestamp '1000-01-01'), timestamp '1000-01-01')
    {%- elif not_after -%}
    case
        when cast({{ time }} as date) > {{ not_after }} then {{ time }} - interval 100 year
        else {{ time }}
    end
    {%- else -%}
    {{ time }}
    {%- endif -%}
{%- endmacro %}

{# A format without the point after an abbreviated month ("%d %b. %Y"); a point that is a separator stays ("%d.%b.%Y"). #}
{% macro without_abbreviation_points(format) -%}
    {{ return(modules.re.sub('(%[bB])\\.(?!%)', '\\1', format)) }}
{%- endmacro %}

{#
  A text with its month's name replaced by a number. Names are in the languages of the seed, in any case, with or without
  accents. The format says which word of the text is the month: in "%d de %B de %Y" it is the second.
#}
{% macro month_as_number(text, format) -%}
    {%- set before = modules.re.split('%[bB]', format)[0] | replace('%p', 'am') -%}
    {%- set n_words = modules.re.findall('[^\\W\\d_]+', modules.re.sub('%-?[A-Za-z%]', ' ', before)) | length -%}
    {{ with_month_number(text, '^(?:\\P{L}*\\p{L}+){' ~ n_words ~ '}\\P{L}*(\\p{L}+)') }}
{%- endmacro %}

{# A text in which the word that a pattern finds is replaced by its month's number; NULL if the word is not a month. #}
{% macro with_month_number(text, pattern) -%}
    {%- set pointless = "regexp_replace(nfc_normalize(" ~ text ~ "), '(\\p{L})\\.($|[^0-9])', '\\1\\2', 'g')" -%}
    {%- set word = "regexp_extract(" ~ pointless ~ ", '" ~ pattern ~ "', 1)" -%}
    {%- set numbers = month_numbers() -%}
    {%- if numbers -%}
    replace(
        {{ pointless }},
        {{ word }},
        map_extract_value(
            map(['{{ numbers.keys() | join("', '") }}'], ['{{ numbers.values() | join("', '") }}']),
            lower(strip_accents({{ word }}))
        )
    )
    {%- else -%}
    cast(null as varchar)
    {%- endif -%}
{%- endmacro %}

{#
  Prepares a text that may be a partial date for partial_date, as a separate step: unknown parts (XX, ??, and UN or UNK, as in
  clinical trials) become 00, the month's name becomes a number, and a zero time at the end is dropped.
#}
{% macro partial_text(text) -%}
    {{ return(adapter.dispatch('partial_text')(text)) }}
{%- endmacro %}
{% macro duckdb__partial_text(text) -%}
    {%- set dateless = "regexp_replace(" ~ text ~ ", '[T ]00:00(:00(\\.0+)?)?(Z|[+-]00(:?00)?)?$', '')" %}
    {%- set known = "regexp_replace(" ~ dateless ~ ", '(?i)\\b(XX|UNK?)\\b|\\?\\?', '00', 'g')" -%}
    coalesce({{ with_month_number(known, '(\\p{L}{3,})') }}, {{ known }})
{%- endmacro %}

{#
  A partial date as YYYY-MM or YYYY, from a text that partial_text returned: a year; year and month in either order with any
  mark between; or a whole date whose unknown parts are 00. 05/00/1980 begins with a month, but 15/00/1980 with a day; if the
  day is known and the month is not, only the year is kept. A year below 1900 or a month above 12 is not read.
#}
{% macro partial_date(text) -%}
    {{ return(adapter.dispatch('partial_date')(text)) }}
{%- endmacro %}
{% macro duckdb__partial_date(text) -%}
    {%- set year, month, unknown = '(?:19|[2-9]\\d)\\d\\d', '(?:0?[1-9]|1[0-2])', '0{1,2}' %}
    {%- set parted = "regexp_replace(" ~ text ~ ", ' de | *[-/.,] *| +', '-', 'g')" %}
    {%- set parts = "regexp_replace(" ~ parted ~ ", '^(\\d{4}|00)(\\d\\d)(00|\\d{4})$', '\\1-\\2-\\3')" -%}
    {%- set parts = "regexp_replace(" ~ parts ~ ", '^(\\d{4})(00)(\\d\\d)$|^(\\d\\d)(00)(\\d{4})$', '\\1\\4-\\2\\5-\\3\\6')" -%}
    {%- set day, late_day = '(?:0?[1-9]|[12]\\d|3[01])', '(?:1[3-9]|2\\d|3[01])' %}
    case
        when {{ matches(parts, [
            year ~ '-' ~ unknown ~ '-' ~ day,
            late_day ~ '-' ~ unknown ~ '-' ~ year,
            unknown ~ '-' ~ late_day ~ '-' ~ year,
        ] | join('|')) }}
            then regexp_extract({{ parts }}, '{{ year }}')
        when {{ matches(parts, [
            year ~ '(-' ~ unknown ~ '){0,2}',
            year ~ '-' ~ month ~ '(-' ~ unknown ~ ')?',
            '(' ~ unknown ~ '-){1,2}' ~ year,
            '(' ~ unknown ~ '-)?' ~ month ~ '-' ~ year,
            month ~ '-' ~ unknown ~ '-' ~ year,
        ] | join('|')) }}
            then concat_ws(
                '-',
                regexp_extract({{ parts }}, '{{ year }}'),
                lpad(nullif(regexp_extract({{ parts }}, '(?:^|-)({{ month }})(?:-|$)', 1), ''), 2, '0')
            )
    end
{%- endmacro %}

{#
  Month names as {name: number}. Like the formats below they are constants in the SQL: with a table lookup for each date and
  format, the engine takes minutes to plan.
#}
{% macro month_numbers() -%}
    {% set numbers = {} %}
    {% set names = ref('month_names') %}
    {% if execute and flags.WHICH in ('run', 'build') %}
        {% set rows = run_query("select name, month from " ~ names ~ " order by month, name") %}
        {% for row in rows.rows %}
            {% do numbers.update({row[0]: row[1]}) %}
        {% endfor %}
    {% endif %}
    {{ return(numbers) }}
{%- endmacro %}

{# The sites' own date formats as {site: [format, …]}, in the order in which to try them. #}
{% macro site_date_formats() -%}
    {% set formats = {} %}
    {% set listed = source('config', 'date_format') %}
    {% do ref('month_names') %}{# declared here because only a build shows whether a format needs it #}
    {% if execute and flags.WHICH in ('run', 'build') %}
        {% set rows = run_query("select site, format from " ~ listed ~ " order by site, ordinal") %}
        {% for row in rows.rows %}
            {% do formats.setdefault(row[0], []).append(row[1]) %}
        {% endfor %}
    {% endif %}
    {{ return(formats) }}
{%- endmacro %}
