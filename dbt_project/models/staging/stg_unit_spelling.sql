/*
Grain: a unit as a site spelled it, with its dimension and the factor to that dimension's canonical unit; spellings
that mean nothing are absent. Case counts: G/L is giga per litre, g/L is gram.
Rule: the site's own alias first, then the seed, after the typographic variants of one spelling are folded
(micro signs, superscripts, ways to write a power of ten).
*/
with sent as (
    select distinct f.site, {{ cell('r.unit') }} as spelling
    from {{ source('raw', 'lab_results') }} as r
    inner join {{ ref('stg_input_file') }} as f on r.file_no = f.file_no
    union
    select site, target as spelling
    from {{ source('config', 'code_map') }}
    where kind = 'unit_of_test'
),

aliased as (
    select sent.site, sent.spelling, coalesce(local_codes.target, sent.spelling) as meant
    from sent
    left join {{ source('config', 'code_map') }} as local_codes
        on local_codes.kind = 'unit' and sent.site = local_codes.site and sent.spelling = local_codes.local_code
),

folded as (
    select site, spelling, {{ folded_unit('meant') }} as unit
    from aliased
)

select folded.site, folded.spelling, units.ucum, units.dimension, units.factor
from folded
inner join {{ ref('units') }} as units on folded.unit = units.unit
