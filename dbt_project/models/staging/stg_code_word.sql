{%- set columns = [
    ('patients', ['sex', 'ms_phenotype', 'duffy_null', 'status']),
    ('treatments', ['end_reason', 'status']),
    ('administrations', ['dose', 'status']),
    ('lab_results', ['material', 'status']),
    ('clinical_events', ['event_type', 'status']),
    ('adjudications', ['verdict', 'status']),
] -%}
/*
Grain: site x coded column (kind) x word as sent, with the code it means; words without a meaning are left out. The amount
of a dose is a number, or a word for nothing.
Rule: the site's own words come first (codes in site.yml), then the words that the registry knows. Case, accents, blanks and
invisible characters are ignored. In a word in HL7 form (BLD^Blood^HL70487), code or text may be known; if they mean
different things, the word has no meaning. A known word has none either if the site also sends a word that makes it
ambiguous (seed code_words, unless_beside).
*/
with sent as (
    {% for entity, kinds in columns %}
    {%- set last_entity = loop.last %}
    {%- for kind in kinds %}
    {%- set word = cell('r.' ~ kind) %}
    select files.site, '{{ kind }}' as kind, {{ plain_cell(word) if kind in read_columns() else word }} as word
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

forms as (
    select site, kind, word, 1 as form_order, folded as form
    from folded
    {%- for component in [1, 2] %}
    union all
    select site, kind, word, 2 as form_order, {{ folded_word(hl7_component('word', component)) }} as form
    from folded
    where strpos(word, '^') > 0
    {%- endfor %}
),

ambiguous as (
    select distinct folded.site, known.kind, known.word
    from {{ ref('code_words') }} as known
    inner join folded
        on
            folded.kind = known.kind
            and strpos(' ' || known.unless_beside || ' ', ' ' || folded.folded || ' ') > 0
    -- a site that writes F for women does not write M for them
    where folded.site not in (select women.site from folded as women where women.kind = 'sex' and women.folded = 'f')
),

meanings as (
    select site, kind, {{ folded_word('local_code') }} as form, target as code, 1 as source_order
    from {{ source('config', 'code_map') }}
    union all
    select sites.site, known.kind, known.word as form, known.code, 2 as source_order
    from {{ ref('code_words') }} as known
    cross join (select distinct site from folded) as sites
    left join ambiguous
        on sites.site = ambiguous.site and known.kind = ambiguous.kind and known.word = ambiguous.word
    where ambiguous.word is null
),

ranked as (
    select
        forms.site,
        forms.kind,
        forms.word,
        meanings.code,
        rank() over (
            partition by forms.site, forms.kind, forms.word
            order by meanings.source_order asc, forms.form_order asc
        ) as preference
    from forms
    inner join meanings
        on forms.site = meanings.site and forms.kind = meanings.kind and forms.form = meanings.form
)

select site, kind, word, min(code) as code
from ranked
where preference = 1
group by site, kind, word
having count(distinct code) = 1
