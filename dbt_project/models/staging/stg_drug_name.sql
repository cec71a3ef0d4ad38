/*
Grain: a spelling of a drug as it was sent by a site, with the substance it means; spellings that mean nothing are absent.
Rule: the site's own code first, then substance, brand or ATC code of any vintage. Case, blanks, dashes, invisible characters
and trade mark signs do not count, nor the components behind an HL7 code (L04AG08^ocrelizumab^ATC).
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

folded as (
    select site, name, {{ folded_drug('name') }} as folded, {{ folded_drug(hl7_component('name', 1)) }} as first_component
    from sent
    where name is not null
),

own as (
    select site, {{ folded_drug('local_code') }} as folded, min(lower(trim(target))) as target
    from {{ source('config', 'code_map') }}
    where kind = 'drug'
    group by site, {{ folded_drug('local_code') }}
    having count(distinct lower(trim(target))) = 1
)

select distinct folded.site, folded.name, names.drug
from folded
left join own on folded.site = own.site and folded.folded = own.folded
left join own as own_component on folded.site = own_component.site and folded.first_component = own_component.folded
left join {{ ref('drug_names') }} as whole on folded.folded = {{ folded_drug('whole.name') }}
inner join {{ ref('drug_names') }} as names
    on coalesce(own.target, own_component.target, whole.name, folded.first_component) = names.name
