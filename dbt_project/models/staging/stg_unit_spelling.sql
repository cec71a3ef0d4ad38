/*
Grain: site x unit as spelled, with its dimension and the factor to that dimension's canonical unit; spellings without a
meaning are left out. Case matters: G/L is giga per litre, g/L is gram.
Rule: the whole text counts before its HL7 components (%^percent^UCUM): the first, which may contain a power itself (10^9/L)
but is never the base of one (10, mm). In each, the site's own alias comes first (exactly as sent, then without typographic
variants), then the seed, after folding the unit to its form.
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

forms as (
    select site, spelling, 1 as form_order, spelling as form from sent
    union all
    select site, spelling, 2 as form_order, {{ hl7_component('spelling', 1) }} || '^' || {{ hl7_component('spelling', 2) }} as form
    from sent
    union all
    select site, spelling, 3 as form_order, {{ hl7_component('spelling', 1) }} as form
    from sent
    where not {{ matches(hl7_component('spelling', 1), '.*(10|mm)') }}
),

aliased as (
    select
        forms.site,
        forms.spelling,
        forms.form_order,
        case when own.local_code = forms.form then 1 when own.local_code is not null then 2 else 3 end as source_order,
        {{ with_volume_of_seed('coalesce(own.target, forms.form)') }} as unit
    from forms
    left join {{ source('config', 'code_map') }} as own
        on own.kind = 'unit' and forms.site = own.site and {{ folded_unit('own.local_code') }} = {{ folded_unit('forms.form') }}
),

ranked as (
    select
        aliased.site,
        aliased.spelling,
        units.ucum,
        units.dimension,
        units.factor,
        rank() over (
            partition by aliased.site, aliased.spelling order by aliased.form_order asc, aliased.source_order asc
        ) as preference
    from aliased
    inner join {{ ref('units') }} as units on {{ unit_form('aliased.unit') }} = units.unit
)

select site, spelling, min(ucum) as ucum, min(dimension) as dimension, min(factor) as factor
from ranked
where preference = 1
group by site, spelling
having count(distinct ucum) = 1
