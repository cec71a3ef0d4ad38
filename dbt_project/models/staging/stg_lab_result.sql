{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{% if is_incremental() %}delete from {{ this }} where file_no not in (select file_no from {{ ref('stg_input_file') }}){% endif %}"
) }}
/*
Grain: a delivered lab_results row, good or bad, converted to its analyte's canonical unit and judged on its own.
Only files that are not here yet are read (the build file is rebuilt when seeds, profiles or code change); what depends on
other rows is judged later, at every refresh.
Rules: the test code is looked up in the site's own list, then in LOINC. An unknown code, or a specimen in which the analyte
is not measured, is not an error; value and unit are then not judged. A blank material means the one that the code implies.
Units are never guessed. A value with an operator keeps both operator and bound.
*/
with delivered as (
    {{ delivered_rows('lab_results', 'result_id', [
        'result_id', 'patient_id', 'specimen_id', 'test_code', 'test_name', 'material', 'value', 'unit', 'collected_at',
        'reference_low', 'reference_high', 'status'],
        where=('r.file_no not in (select distinct file_no from ' ~ this ~ ')') if is_incremental() else 'true') }}
),

{{ recognised_results('delivered') }},

read_values as (
    select
        *,
        cast(collected_time as date) as collected_date,
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
    -- compared with what a cancellation of the day states: see int_taken_back
    case when value is not null then day_content end as day_content,
    case when base_key is not null and number is not null then {{ cells_hash('salt', ['operator', 'number']) }} end as sent_value,
    case
        when base_key is not null and canonical_value is not null then {{ cells_hash('salt', ['analyte', 'operator', 'canonical_value']) }}
    end as read_value,
    patient_no,
    is_cancelled,
    not is_foreign as is_mapped,
    patient_id is not null as has_patient_id,
    {{ held_back_reasons('result_id', [], lab_result_reasons()) }} as reasons,
    collected_date as judged_date,
    case
        when specimen_id is not null and not {{ is_sheet_error('specimen_id') }} then {{ cells_hash('salt', ['specimen_id']) }}
    end as specimen_hash,
    -- site and code of a value with the sign %: they may turn out to send fractions
    case when is_fitting_unit and unit_dimension = 'percent' and factor = 1 then {{ cells_hash('salt', ['site', 'test_code']) }} end
        as percent_code_hash,
    analyte,
    cast(collected_time as timestamp) as collected_at,
    collected_date,
    operator,
    canonical_value,
    -- a limit with an operator, or one that no count can have, is not used
    case
        when reference_low_number >= 0 and low_text = ltrim(low_text, '<>=≤≥ ') and not is_implausible_low then converted_low
    end as canonical_low,
    -- as reported, but only what may be published: free text in place of a value never leaves the vault
    case when analyte = 'anc' and is_numeric then value end as source_value,
    case when analyte = 'anc' and is_numeric and plain_value <> value then {{ flags_of('value', 'plain_value') }} end as source_flag,
    case when analyte = 'anc' and unit_dimension is not null then used_unit end as source_unit,
    case when analyte = 'anc' then test_code end as source_code,
    {{ reason_list(lab_result_cell_defects()) }} as cell_defects
from judged_limits
