/*
Grain: a spelling of a drug as it was sent by a site, with the substance it means; spellings that mean nothing are absent.
Rule: the site's own code first, then substance, brand or ATC code of any vintage; case does not count.
*/
with sent as (
    select distinct f.site, lower({{ cell('r.drug') }}) as name
    from {{ source('raw', 'treatments') }} as r
    inner join {{ ref('stg_input_file') }} as f on r.file_no = f.file_no
    union
    select distinct f.site, lower({{ cell('r.drug') }}) as name
    from {{ source('raw', 'administrations') }} as r
    inner join {{ ref('stg_input_file') }} as f on r.file_no = f.file_no
),

local_codes as (
    select site, lower(trim(local_code)) as name, min(lower(trim(target))) as target
    from {{ source('config', 'code_map') }}
    where kind = 'drug'
    group by site, lower(trim(local_code))
)

select sent.site, sent.name, names.drug
from sent
left join local_codes on sent.site = local_codes.site and sent.name = local_codes.name
inner join {{ ref('drug_names') }} as names on coalesce(local_codes.target, sent.name) = names.name
