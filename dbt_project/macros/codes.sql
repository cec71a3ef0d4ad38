{# The name of a drug without case, spare blanks, invisible characters and trade mark signs. #}
{% macro folded_drug(text) -%}
    {{ folded_word("translate(" ~ text ~ ", '®™©', '')") }}
{%- endmacro %}

{# A component of a code in HL7 form (code^name^system^alternate code), counted from 1; the whole text where there is one. #}
{% macro hl7_component(text, number) -%}
    {{ return(adapter.dispatch('hl7_component')(text, number)) }}
{%- endmacro %}
{% macro default__hl7_component(text, number) -%}
    nullif(trim(split_part({{ text }}, '^', {{ number }})), '')
{%- endmacro %}

{# A folded code without the name of its system before it: loinc:751-8, http://loinc.org|751-8. #}
{% macro without_code_system(text) -%}
    {{ return(adapter.dispatch('without_code_system')(text)) }}
{%- endmacro %}
{% macro duckdb__without_code_system(text) -%}
    regexp_replace({{ text }}, '^(https?://loinc\.org[|/#]|loinc[:|/#-]?|ln[:|/#-]|urn:oid:2\.16\.840\.1\.113883\.6\.1[|:#])', '')
{%- endmacro %}
