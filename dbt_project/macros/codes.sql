{# A drug name folded: without case, extra blanks, invisible characters and trade mark signs. #}
{% macro folded_drug(text) -%}
    {{ folded_word("translate(" ~ text ~ ", '®™©', '')") }}
{%- endmacro %}

{# One component, counted from 1, of a code in HL7 form (code^name^system^alternate code). Text without ^ is component 1. #}
{% macro hl7_component(text, number) -%}
    {{ return(adapter.dispatch('hl7_component')(text, number)) }}
{%- endmacro %}
{% macro default__hl7_component(text, number) -%}
    nullif(trim(split_part({{ text }}, '^', {{ number }})), '')
{%- endmacro %}

{# A folded code without the code system's name in front, as in loinc:751-8 or http://loinc.org|751-8. #}
{% macro without_code_system(text) -%}
    {{ return(adapter.dispatch('without_code_system')(text)) }}
{%- endmacro %}
{% macro duckdb__without_code_system(text) -%}
    regexp_replace({{ text }}, '^(https?://loinc\.org[|/#]|loinc[:|/#-]?|ln[:|/#-]|urn:oid:2\.16\.840\.1\.113883\.6\.1[|:#])', '')
{%- endmacro %}
