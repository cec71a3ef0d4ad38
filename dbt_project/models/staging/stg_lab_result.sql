{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{% if is_incremental() %}delete from {{ this }} where file_no not in (select file_no from {{ ref('stg_input_file') }}){% endif %}"
) }}
/*
Grain: a delivered lab_results row, good or bad, read, harmonised to its analyte's canonical unit and judged by itself.
Only files not yet here are read (the build file is made anew when seeds, profiles or code change); what depends on
other rows is judged later, at every refresh.
Rules: test code by the site's own list, else LOINC; an unknown code is no error, and its value and unit are not judged.
Units are never guessed. A value of an operator and a bound keeps both.
*/
with delivered as (
    {{ delivered_rows('lab_results', 'result_id', [
        'result_id', 'patient_id', 'specimen_id', 'test_code', 'test_name', 'value', 'unit', 'collected_at',
        'reference_low', 'reference_high', 'status'],
        where=('r.file_no not in (select distinct file_no from ' ~ this ~ ')') if is_incremental() else 'true') }}
),

analyte_of_code as (
    select sites.site, codes.test_code, codes.analyte
    from {{ ref('test_codes') }} as codes
    cross join (select distinct site from {{ ref('stg_input_file') }}) as sites
    left join {{ source('config', 'code_map') }} as local_codes
        on
            local_codes.kind = 'test'
            and sites.site = local_codes.site
            and codes.test_code = local_codes.local_code
    where local_codes.site is null
    union all
    select site, local_code as test_code, target as analyte
    from {{ source('config', 'code_map') }}
    where kind = 'test'
),

recognised as (
    select
        d.*,
        a.analyte,
        a.dimension as analyte_dimension,
        u.ucum,
        u.dimension as unit_dimension,
        u.factor,
        d.test_code is not null and a.analyte is null as is_foreign_code,
        {{ plain_number(without_percent_sign('d.value', 'u.dimension'), 'd.decimal_mark', 'd.thousands_mark') }} as number_text,
        {{ plain_number(without_percent_sign('d.reference_low', 'u.dimension'), 'd.decimal_mark', 'd.thousands_mark') }} as low_text,
        {{ plain_number(without_percent_sign('d.reference_high', 'u.dimension'), 'd.decimal_mark', 'd.thousands_mark') }} as high_text,
        {{ read_time('d.collected_at', 'd.site', 'd.time_zone') }} as collected_time
    from delivered as d
    left join analyte_of_code as c on d.site = c.site and d.test_code = c.test_code
    left join {{ ref('analytes') }} as a on c.analyte = a.analyte
    left join {{ ref('stg_unit_spelling') }} as u on d.site = u.site and d.unit = u.spelling
),

read_values as (
    select
        *,
        cast(collected_time as date) as collected_on,
        {{ number_operator('number_text') }} as operator,
        {{ is_number('number_text') }} as is_numeric,
        {{ number_value('number_text') }} as number,
        {{ number_value('low_text') }} as reference_low_number,
        {{ number_value('high_text') }} as reference_high_number,
        unit_dimension = analyte_dimension as is_fitting_unit
    from recognised
),

converted as (
    select
        *,
        case when is_fitting_unit then {{ to_canonical('number', 'factor') }} end as canonical_value,
        case when is_fitting_unit then {{ to_canonical('reference_low_number', 'factor') }} end as converted_low,
        case when is_fitting_unit then {{ to_canonical('reference_high_number', 'factor') }} end as converted_high
    from read_values
),

judged_limits as (
    select
        *,
        coalesce({{ is_implausible('reference_low_number', 'converted_low') }}, false) as is_implausible_low,
        coalesce({{ is_implausible('reference_high_number', 'converted_high') }}, false) as is_implausible_high
    from converted
)

select
    file_no,
    record_number,
    record_key,
    content_hash,
    patient_no,
    is_cancelled,
    not is_foreign_code as is_mapped,
    patient_id is not null as has_patient_id,
    {{ held_back_reasons('result_id', [], [
        ['missing_required',
            'patient_id is null or test_code is null or collected_at is null or (value is null and not is_foreign_code)'],
        ['invalid_code', invalid_status()],
        ['unparseable_date', 'collected_at is not null and collected_on is null'],
        ['date_after_delivery', 'collected_on > delivery_end'],
        ['non_numeric_value', 'not is_foreign_code and value is not null and not coalesce(is_numeric, false)'],
        ['negative_value', 'not is_foreign_code and number < 0'],
        ['zero_without_unit', 'not is_foreign_code and unit is null and number = 0'],
        ['unit_missing', 'not is_foreign_code and unit is null and number is distinct from 0'],
        ['unit_unknown', 'not is_foreign_code and unit is not null and unit_dimension is null'],
        ['code_unit_mismatch', "(analyte_dimension = 'count' and unit_dimension = 'percent')"
            ~ " or (analyte_dimension = 'percent' and unit_dimension = 'count')"],
        ['unit_incompatible', "not is_fitting_unit and not (analyte_dimension in ('count', 'percent')"
            ~ " and unit_dimension in ('count', 'percent'))"],
        ['implausible_value', '(is_numeric and number is null and not is_foreign_code) or '
            ~ is_implausible('number', 'canonical_value')],
    ]) }} as reasons,
    collected_on as judged_on,
    case when specimen_id is not null then {{ cells_hash('salt', ['specimen_id']) }} end as specimen_hash,
    analyte,
    cast(collected_time as timestamp) as collected_at,
    collected_on,
    operator,
    canonical_value,
    -- a limit with an operator is none, nor is one that no count can have
    case
        when reference_low_number >= 0 and low_text = ltrim(low_text, '<>=≤≥ ') and not is_implausible_low then converted_low
    end as canonical_low,
    -- as reported, of what may be published: free text in a value's place never leaves the vault
    case when analyte = 'anc' and is_numeric then value end as source_value,
    case when analyte = 'anc' and unit_dimension is not null then unit end as source_unit,
    case when analyte = 'anc' then test_code end as source_code,
    {{ reason_list([
        ['reference_low:non_numeric_value',
            'reference_low is not null and (reference_low_number is null or low_text is distinct from ltrim(low_text, ' ~ "'<>=≤≥ '" ~ '))'],
        ['reference_low:negative_value', 'reference_low_number < 0'],
        ['reference_low:implausible_value', 'is_implausible_low'],
        ['reference_high:non_numeric_value', 'reference_high is not null and reference_high_number is null'],
        ['reference_high:negative_value', 'reference_high_number < 0'],
        ['reference_high:implausible_value', 'is_implausible_high'],
    ]) }} as cell_defects
from judged_limits
