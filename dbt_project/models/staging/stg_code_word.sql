{%- set columns = [
    ('patients', ['sex', 'ms_phenotype', 'duffy_null', 'status']),
    ('treatments', ['end_reason', 'status']),
    ('administrations', ['status']),
    ('lab_results', ['material', 'status']),
    ('clinical_events', ['event_type', 'status']),
    ('adjudications', ['verdict', 'status']),
] -%}
/*
Grain: a site, a coded column (kind) and a word as it was sent, with the code that it means; words that mean nothing are
absent.
Rule: the site's own word first (codes in site.yml), then the words that the registry knows. Case, accents, blanks and
invisible characters do not count.
*/
with sent as (
    {% for entity, kinds in columns %}
    {%- set last_entity = loop.last %}
    {%- for kind in kinds %}
    select files.site, '{{ kind }}' as kind, {{ cell('r.' ~ kind) }} as word
    from {{ source('raw', entity) }} as r
    inner join {{ ref('stg_input_file') }} as files on r.file_no = files.file_no
    where r.{{ kind }} is not null
    {{ "union" if not (last_entity and loop.last) }}
    {%- endfor %}
    {%- endfor %}
),

folded as (
    select site, kind, word, {{ folded_word('word') }} as folded
    from sent
    where word is not null
),

own as (
    select site, kind, {{ folded_word('local_code') }} as folded, min(target) as code
    from {{ source('config', 'code_map') }}
    group by site, kind, {{ folded_word('local_code') }}
)

select folded.site, folded.kind, folded.word, coalesce(own.code, known.code) as code
from folded
left join own on folded.site = own.site and folded.kind = own.kind and folded.folded = own.folded
left join {{ ref('code_words') }} as known on folded.kind = known.kind and folded.folded = known.word
where coalesce(own.code, known.code) is not null
