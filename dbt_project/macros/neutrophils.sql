{#
  Whether a local test's code or name reads like neutrophils or a part of them, in Italian, German, French, Spanish or
  English, or holds a LOINC code of theirs: a hint for whoever maps codes, never a mapping. Not antibodies, enzymes,
  ratios, or other granulocytes.
#}
{% macro reads_like_neutrophils(code, name) -%}
    {%- set text = "lower(concat_ws(' ', " ~ code ~ ", " ~ name ~ "))" -%}
    {%- set words = [
        'neutr[oó](f|ph|c[iy]t|z[iy]t)', '\\bneutr[oó]?s?\\b', '\\bneut?([#%]|\\b)', '\\bne[#%]', '\\b(anc|pmn|pnn|segs?)\\b',
        'granulo[cz][iy]t', 'pol[iy]mor(f|ph)onu[ck]l', 'polynucl', 'segment', '\\bstab([fks]|\\b)', 'bastonc',
        '\\bband(s|as|forms?)?\\b', 'cayad',
        '(^|\\D)(751|752|753|768|769|770|763|764|26499|26505|26507|26508|26511|30451|32200|71676)[-_]\\d(\\D|$)'] -%}
    {%- set others = [
        '\\banca\\b', '(\\b|auto)anti', 'gelatin', 'lipocal', 'elastas', '(f|ph)os(f|ph)atas', '\\bratio\\b', 'rapporto',
        'quotient', 'oligo[ck]lon'] -%}
    {%- set other_granulocytes = ['eosin', 'bas[oó](f|ph)', 'immatur', 'unreif'] -%}
    (
        {{ matches(text, '(?s).*(' ~ words | join('|') ~ ').*') }}
        and not {{ matches(text, '(?s).*(' ~ others | join('|') ~ ').*') }}
        and ({{ text }} like '%neutr%' or not {{ matches(text, '(?s).*(' ~ other_granulocytes | join('|') ~ ').*') }})
    )
{%- endmacro %}
