{#
  Keyed hashes. The salt is read from the vault when the query runs and is never written to SQL, a var or a log, so that
  nobody can work back to a source key from what is outside the vault.
#}

{# A 128-bit hash of a record key within its site and entity; NULL if the key is blank. #}
{% macro record_key(salt, entity, key) -%}
    {{ return(adapter.dispatch('record_key')(salt, entity, key)) }}
{%- endmacro %}
{% macro default__record_key(salt, entity, key) -%}
    md5({{ salt }} || '|{{ entity }}|' || {{ key }})
{%- endmacro %}
{% macro duckdb__record_key(salt, entity, key) -%}
    md5_number({{ salt }} || '|{{ entity }}|' || {{ key }})
{%- endmacro %}

{#
  A key that the registry composed, without the number of a day's second or later measurement ("//2"). A slash from the
  site itself is escaped with a backslash, so "//" begins a number only after an even number of backslashes.
#}
{% macro base_key(key) -%}
    {{ return(adapter.dispatch('base_key')(key)) }}
{%- endmacro %}
{% macro duckdb__base_key(key) -%}
    regexp_replace({{ key }}, '(^|[^\\])((\\\\)*)//\d+$', '\1\2')
{%- endmacro %}

{# A record key as text, the form that is published. #}
{% macro key_text(record_key) -%}
    {{ return(adapter.dispatch('key_text')(record_key)) }}
{%- endmacro %}
{% macro default__key_text(record_key) -%}
    {{ record_key }}
{%- endmacro %}
{% macro duckdb__key_text(record_key) -%}
    lpad(lower(hex({{ record_key }})), 32, '0')
{%- endmacro %}

{# A 64-bit hash of several cells, to compare contents and to group; not for publication. #}
{% macro cells_hash(salt, columns) -%}
    {{ return(adapter.dispatch('cells_hash')(salt, columns)) }}
{%- endmacro %}
{% macro default__cells_hash(salt, columns) -%}
    xxhash64({{ salt }}, {{ columns | join(', ') }})
{%- endmacro %}
{% macro duckdb__cells_hash(salt, columns) -%}
    hash({{ salt }}, {{ columns | join(', ') }})
{%- endmacro %}

{# The record key of a value derived from two records. #}
{% macro derived_key(first_key, second_key) -%}
    {{ return(adapter.dispatch('derived_key')(first_key, second_key)) }}
{%- endmacro %}
{% macro default__derived_key(first_key, second_key) -%}
    md5(concat({{ first_key }}, {{ second_key }}))
{%- endmacro %}
{% macro duckdb__derived_key(first_key, second_key) -%}
    md5_number(concat({{ first_key }}, '|', {{ second_key }}))
{%- endmacro %}
