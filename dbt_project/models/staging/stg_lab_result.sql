{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{% if is_incremental() %}delete from {{ this }} where file_no not in (select file_no from {{ ref('stg_input_file') }}){% endif %}"
) }}
/*
Grain: a delivered lab_results row, good or bad, read, harmonised to its analyte's canonical unit and judged by itself.
Only files not yet here are read (the build file is made anew when seeds, profiles or code change); what depends on
other rows is judged later, at every refresh.
Rules: test code by the site's own list, else LOINC; an unknown code, or a specimen in which the analyte is not measured, is
not an error, and value and unit are then not judged. A blank material is taken for the code's own.
Units are never guessed. A value of an operator and a bound keeps both.
*/
with delivered as (
    {{ delivered_rows('lab_results', 'result_id', [
        'result_id', 'patient_id', 'specimen_id', 'test_code', 'test_name', 'material', 'value', 'unit', 'collected_at',
        'reference_low', 'reference_high', 'status'],
        where=('r.file_no not in (select distinct file_no from ' ~ this ~ ')') if is_incremental() else 'true') }}
),

coded as (
    select
        d.*,
        c.test_code is not null as is_known_code,
        coalesce(c.analyte, case u.dimension
            when 'count' then c.count_analyte
            when 'percent' then c.percent_analyte
            when 'mass_concentration' then c.mass_concentration_analyte
        end) as analyte,
        u.ucum,
        u.dimension as unit_dimension,
        u.factor,
        m.code as material_code,
        coalesce(d.unit, c.constant_unit) as used_unit,
        {{ without_flags('d.value', 'd.flags_before', 'd.flags_behind') }} as plain_value
    from delivered as d
    left join {{ ref('stg_test_code') }} as c on d.site = c.site and d.test_code = c.test_code
    left join {{ ref('stg_unit_spelling') }} as u on d.site = u.site and coalesce(d.unit, c.constant_unit) = u.spelling
    left join {{ ref('stg_code_word') }} as m on d.site = m.site and m.kind = 'material' and d.material = m.word
),

recognised as (
    select
        coded.*,
        a.dimension as analyte_dimension,
        -- a code that nobody knows, or another specimen than the analyte is measured in: neither value nor unit is judged
        coded.test_code is not null and (
            not coded.is_known_code
            or case
                when coded.material_code is null then false
                when coded.material_code = 'blood' then false
                else strpos(' ' || coalesce(a.materials, 'blood') || ' ', ' ' || coded.material_code || ' ') = 0
            end
        ) as is_foreign,
        {{ plain_number(without_percent_sign('coded.plain_value', 'coded.unit_dimension'), 'coded.decimal_mark', 'coded.thousands_mark') }} as number_text,
        {{ plain_number(without_percent_sign('coded.reference_low', 'coded.unit_dimension'), 'coded.decimal_mark', 'coded.thousands_mark') }} as low_text,
        {{ plain_number(without_percent_sign('coded.reference_high', 'coded.unit_dimension'), 'coded.decimal_mark', 'coded.thousands_mark') }} as high_text,
        {{ read_time('coded.collected_at', 'coded.site', 'coded.time_zone') }} as collected_time
    from coded
    left join {{ ref('analytes') }} as a on coded.analyte = a.analyte
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
    base_key,
    content_hash,
    -- what a cancellation of the day states: see int_taken_back
    case when value is not null then day_content end as day_content,
    case when base_key is not null and number is not null then {{ cells_hash('salt', ['operator', 'number']) }} end as sent_value,
    case
        when base_key is not null and canonical_value is not null then {{ cells_hash('salt', ['analyte', 'operator', 'canonical_value']) }}
    end as read_value,
    patient_no,
    is_cancelled,
    not is_foreign as is_mapped,
    patient_id is not null as has_patient_id,
    {{ held_back_reasons('result_id', [], [
        ['missing_required',
            'patient_id is null or test_code is null or collected_at is null or (value is null and not is_foreign)'],
        ['invalid_code', invalid_status()],
        ['unparseable_date', 'collected_at is not null and collected_on is null'],
        ['date_after_delivery', 'collected_on > delivery_end'],
        ['non_numeric_value', 'not is_foreign and value is not null and not coalesce(is_numeric, false)'],
        ['negative_value', 'not is_foreign and number < 0'],
        ['zero_without_unit', 'not is_foreign and used_unit is null and number = 0'],
        ['unit_missing', 'not is_foreign and used_unit is null and number is distinct from 0'],
        ['unit_unknown', 'not is_foreign and used_unit is not null and unit_dimension is null'],
        ['unknown_material', 'is_known_code and material is not null and material_code is null'],
        ['code_unit_mismatch', "not is_foreign and ((analyte_dimension = 'count' and unit_dimension = 'percent')"
            ~ " or (analyte_dimension = 'percent' and unit_dimension = 'count')"
            ~ " or (is_known_code and analyte is null and unit_dimension in ('count', 'percent')))"],
        ['unit_incompatible', "not is_foreign and ((not is_fitting_unit and not (analyte_dimension in ('count', 'percent')"
            ~ " and unit_dimension in ('count', 'percent')))"
            ~ " or (is_known_code and analyte is null and unit_dimension not in ('count', 'percent')))"],
        ['implausible_value', 'not is_foreign and ((is_numeric and number is null) or '
            ~ is_implausible('number', 'canonical_value') ~ ')'],
    ]) }} as reasons,
    collected_on as judged_on,
    case
        when specimen_id is not null and not {{ is_sheet_error('specimen_id') }} then {{ cells_hash('salt', ['specimen_id']) }}
    end as specimen_hash,
    -- a percentage with the sign %: its site and code, which may turn out to send fractions
    case when is_fitting_unit and unit_dimension = 'percent' and factor = 1 then {{ cells_hash('salt', ['site', 'test_code']) }} end
        as percent_code_hash,
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
    case when analyte = 'anc' and is_numeric and plain_value <> value then {{ flags_of('value', 'plain_value') }} end as source_flag,
    case when analyte = 'anc' and unit_dimension is not null then used_unit end as source_unit,
    case when analyte = 'anc' then test_code end as source_code,
    {{ reason_list([
        ['specimen_id:invalid_code', is_sheet_error('specimen_id')],
        ['reference_low:non_numeric_value',
            'reference_low is not null and (reference_low_number is null or low_text is distinct from ltrim(low_text, ' ~ "'<>=≤≥ '" ~ '))'],
        ['reference_low:negative_value', 'reference_low_number < 0'],
        ['reference_low:implausible_value', 'is_implausible_low'],
        ['reference_high:non_numeric_value', 'reference_high is not null and reference_high_number is null'],
        ['reference_high:negative_value', 'reference_high_number < 0'],
        ['reference_high:implausible_value', 'is_implausible_high'],
    ]) }} as cell_defects
from judged_limits
