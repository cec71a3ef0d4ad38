/*
Grain: a test code as a site sent it x kind of unit ('' for a unit that is missing or unknown), with the analyte that it
means there; codes that mean nothing are absent. A code that only its unit tells apart has no analyte where the unit does
not tell.
Rules: the site's own code first, then LOINC. Case, blanks, dashes and invisible characters do not count, nor the components
behind an HL7 code (751-8^Neutrophils^LN) or the name of the system before it. A spelling that fits two codes of different
meaning means nothing.
*/
with sent as (
    select distinct files.site, {{ cell('r.test_code') }} as test_code
    from {{ source('raw', 'lab_results') }} as r
    inner join {{ ref('stg_input_file') }} as files on r.file_no = files.file_no
),

forms as (
    select site, test_code, 1 as form_order, {{ folded_code('test_code') }} as form from sent
    union all
    select site, test_code, 2 as form_order, {{ folded_code(hl7_component('test_code', 1)) }} as form from sent
    union all
    select site, test_code, 3 as form_order, {{ folded_code(hl7_component('test_code', 4)) }} as form from sent
    union all
    select site, test_code, 4 as form_order, {{ without_code_system(folded_code(hl7_component('test_code', 1))) }} as form
    from sent
),

known as (
    select site, local_code, target as analyte, unit_dimension, 1 as source_order
    from {{ source('config', 'code_map') }}
    where kind = 'test'
    union all
    select sites.site, codes.test_code as local_code, codes.analyte, cast(null as varchar) as unit_dimension, 2 as source_order
    from {{ ref('test_codes') }} as codes
    cross join (select distinct site from sent) as sites
),

ranked as (
    select
        forms.site,
        forms.test_code,
        known.analyte,
        known.unit_dimension,
        rank() over (
            partition by forms.site, forms.test_code
            order by
                case when known.local_code = forms.test_code then 1 else 2 end asc,
                forms.form_order asc,
                known.source_order asc
        ) as preference
    from forms
    inner join known on forms.site = known.site and forms.form = {{ folded_code('known.local_code') }}
),

meant as (
    select site, test_code, unit_dimension, min(analyte) as analyte
    from ranked
    where preference = 1
    group by site, test_code, unit_dimension
    having count(distinct analyte) = 1
),

dimensions as (
    select distinct dimension from {{ ref('units') }}
    union all
    select '' as dimension
)

select
    meant.site,
    meant.test_code,
    dimensions.dimension,
    max(case when coalesce(meant.unit_dimension, dimensions.dimension) = dimensions.dimension then meant.analyte end)
        as analyte,
    max(constant_units.target) as constant_unit
from meant
cross join dimensions
left join {{ source('config', 'code_map') }} as constant_units
    on
        constant_units.kind = 'unit_of_test'
        and meant.site = constant_units.site
        and {{ folded_code('meant.test_code') }} = {{ folded_code('constant_units.local_code') }}
group by meant.site, meant.test_code, dimensions.dimension
