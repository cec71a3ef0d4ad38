{#
  Whether a local test's code or name looks like neutrophils or a part of them (in Italian, German, French, Spanish or
  English), or contains one of their LOINC codes (seed test_codes) with any check digit. It is a hint for those who map
  codes, never a mapping. Antibodies, enzymes, ratios and other granulocytes are left out.
#}
{% macro reads_like_neutrophils(code, name) -%}
    {%- set text = "lower(concat_ws(' ', " ~ code ~ ", " ~ name ~ "))" -%}
    {%- set words = [
        'neutr[oó](f|ph|c[iy]t|z[iy]t)', '\\bneutr[oó]?s?\\b', '\\bneut?([#%]|\\b)', '\\bne[#%]', '\\b(anc|pmn|pnn|segs?)\\b',
        'granulo[cz][iy]t', 'pol[iy]mor(f|ph)onu[ck]l', 'polynucl', 'segment', '\\bstab([fks]|\\b)', 'bastonc',
        '\\bband(s|as|forms?)?\\b', 'cayad'] -%}
    {%- set others = [
        '\\banca\\b', '(\\b|auto)anti', 'gelatin', 'lipocal', 'elastas', '(f|ph)os(f|ph)atas', '\\bratio\\b', 'rapporto',
        'quotient', 'oligo[ck]lon'] -%}
    {%- set other_granulocytes = ['eosin', 'bas[oó](f|ph)', 'immatur', 'unreif'] -%}
    (
        ({{ matches(text, '(?s).*(' ~ words | join('|') ~ ').*') }} or {{ holds_neutrophil_code(text) }})
        and not {{ matches(text, '(?s).*(' ~ others | join('|') ~ ').*') }}
        and ({{ text }} like '%neutr%' or not {{ matches(text, '(?s).*(' ~ other_granulocytes | join('|') ~ ').*') }})
    )
{%- endmacro %}

{% macro holds_neutrophil_code(text) -%}
    {{ return(adapter.dispatch('holds_neutrophil_code')(text)) }}
{%- endmacro %}
{% macro duckdb__holds_neutrophil_code(text) -%}
    list_has_any(
        regexp_extract_all({{ text }}, '(\d+)[-_]\d(?:\D|$)', 1),
        (select list(split_part(test_code, '-', 1)) from {{ ref('test_codes') }} where lower(name) like '%neutrophil%')
    )
{%- endmacro %}
