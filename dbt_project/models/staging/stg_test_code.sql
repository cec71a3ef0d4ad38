{%- set dimensions = ['count', 'percent', 'mass_concentration'] -%}
/*
Grain: site x test code as sent, with the analyte it means, also for each kind of unit; codes without a meaning are left
out. A code that means different analytes in different units has no analyte by itself.
Rules: the site's own code comes first, then LOINC. Case, blanks, dashes and invisible characters are ignored, as are the
components after an HL7 code (751-8^Neutrophils^LN) and the code system's name before it. A spelling that fits two codes with
different meanings has no meaning.
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

told_apart as (
    select
        site,
        test_code,
        {%- for dimension in dimensions %}
        min(case when coalesce(unit_dimension, '{{ dimension }}') = '{{ dimension }}' then analyte end) as {{ dimension }}_analyte,
        max(case when coalesce(unit_dimension, '{{ dimension }}') = '{{ dimension }}' then analyte end) as {{ dimension }}_last,
        {%- endfor %}
        min(case when unit_dimension is null then analyte end) as analyte
    from ranked
    where preference = 1
    group by site, test_code
),

constant_units as (
    select forms.site, forms.test_code, min(own.target) as constant_unit
    from forms
    inner join {{ source('config', 'code_map') }} as own
        on forms.site = own.site and own.kind = 'unit_of_test' and forms.form = {{ folded_code('own.local_code') }}
    group by forms.site, forms.test_code
    having count(distinct own.target) = 1
)

select
    told_apart.site,
    told_apart.test_code,
    told_apart.analyte,
    {%- for dimension in dimensions %}
    told_apart.{{ dimension }}_analyte,
    {%- endfor %}
    constant_units.constant_unit
from told_apart
left join constant_units
    on told_apart.site = constant_units.site and told_apart.test_code = constant_units.test_code
where
    {%- for dimension in dimensions %}
    coalesce(told_apart.{{ dimension }}_analyte = told_apart.{{ dimension }}_last, true){{ " and" if not loop.last }}
    {%- endfor %}
