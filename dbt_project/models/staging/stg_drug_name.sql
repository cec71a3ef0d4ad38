/*
Grain: site x spelling of a drug as sent, with the substance it means; spellings without a meaning are left out.
Rule: the site's own code comes first, then substance, brand, or ATC code of any year. Case, blanks, dashes, invisible
characters and trade mark signs are ignored. In a drug in HL7 form (L04AG08^ocrelizumab^ATC), code or text may be known; if
they mean different substances, the spelling has no meaning.
*/
with sent as (
    select distinct f.site, {{ cell('r.drug') }} as name
    from {{ source('raw', 'treatments') }} as r
    inner join {{ ref('stg_input_file') }} as f on r.file_no = f.file_no
    union
    select distinct f.site, {{ cell('r.drug') }} as name
    from {{ source('raw', 'administrations') }} as r
    inner join {{ ref('stg_input_file') }} as f on r.file_no = f.file_no
),

forms as (
    select site, name, 1 as form_order, {{ folded_drug('name') }} as form
    from sent
    where name is not null
    {%- for component in [1, 2] %}
    union all
    select site, name, 2 as form_order, {{ folded_drug(hl7_component('name', component)) }} as form
    from sent
    where strpos(name, '^') > 0
    {%- endfor %}
),

meanings as (
    select own.site, {{ folded_drug('own.local_code') }} as form, names.drug, 1 as source_order
    from {{ source('config', 'code_map') }} as own
    inner join {{ ref('drug_names') }} as names on lower(trim(own.target)) = names.name
    where own.kind = 'drug'
    union all
    select sites.site, {{ folded_drug('names.name') }} as form, names.drug, 2 as source_order
    from {{ ref('drug_names') }} as names
    cross join (select distinct site from sent) as sites
),

ranked as (
    select
        forms.site,
        forms.name,
        meanings.drug,
        rank() over (
            partition by forms.site, forms.name order by meanings.source_order asc, forms.form_order asc
        ) as preference
    from forms
    inner join meanings on forms.site = meanings.site and forms.form = meanings.form
)

select site, name, min(drug) as drug
from ranked
where preference = 1
group by site, name
having count(distinct drug) = 1
