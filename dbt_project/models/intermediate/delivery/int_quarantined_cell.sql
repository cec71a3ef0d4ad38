{{ config(materialized='view') }}
{#- by entity: its key, the date that is judged, the column of its own words, and the codes that it has -#}
{%- set entities = {
    'patients': ['patient_id', '', '', []],
    'treatments': ['treatment_id', 'start_date', '', ['drug']],
    'administrations': ['administration_id', 'administered_on', '', ['drug']],
    'lab_results': ['result_id', 'collected_at', '', ['test_code', 'unit', 'material']],
    'clinical_events': ['event_id', 'onset_date', 'event_type', ['event_type']],
    'adjudications': ['adjudication_id', 'onset_from', 'verdict', ['verdict']],
} %}
/*
Grain: a quarantined row x reason, with the column concerned (of a required cell all that are blank) and, where a code, unit,
drug or word could not be used, its spelling; of a unit also its test. A view over the vault, never stored: it holds patient
ids and cells as sent. `registry quarantine` decides which spellings may be shown.
*/
with held as (
    select h.entity, h.file_no, h.record_number, h.is_open, files.site, files.missing_words, reasons.reason
    from {{ ref('int_quarantined_row') }} as h
    inner join {{ ref('stg_input_file') }} as files on h.file_no = files.file_no
    inner join {{ ref('quarantine_reasons') }} as reasons
        on concat(',', h.reasons, ',') like concat('%,', reasons.reason, ',%')
),

sent as (
    {% for entity, (key, day, own, codes) in entities.items() %}
    select
        held.*,
        '{{ key }}' as key_column,
        '{{ day }}' as date_column,
        '{{ own }}' as own_column,
        concat_ws(' ', null{% for column in required_columns(entity) %},
            case when {{ told_cell(trimmed_cell('r.' ~ column), 'held.missing_words') }} is null then '{{ column }}' end
            {%- endfor %}) as blank_columns,
        {{ cell('r.patient_id') }} as patient_id,
        {{ cell('r.status') }} as status,
        {{ cell('r.' ~ own) if own else 'null' }} as own_word,
        {%- for code in ['drug', 'test_code', 'unit', 'material'] %}
        {{ cell('r.' ~ code) if code in codes else 'null' }} as {{ code }}{{ "," if not loop.last }}
        {%- endfor %}
    from held
    inner join {{ source('raw', entity) }} as r on held.file_no = r.file_no and held.record_number = r.record_number
    where held.entity = '{{ entity }}'
    {{ "union all" if not loop.last }}
    {% endfor %}
),

concerned as (
    select
        sent.*,
        case
            when sent.reason in ('missing_key', 'conflicting_duplicate') then sent.key_column
            when sent.reason = 'missing_required' then sent.blank_columns
            when sent.reason in ('unparseable_date', 'date_after_delivery', 'date_before_birth', 'date_after_death')
                then sent.date_column
            when sent.reason = 'end_before_start' then 'onset_to'
            when sent.reason = 'unknown_patient' then 'patient_id'
            when sent.reason = 'unknown_drug' then 'drug'
            when sent.reason = 'unknown_material' then 'material'
            when sent.reason = 'unclear_cancellation' then 'status'
            when sent.reason in ('non_numeric_value', 'negative_value', 'implausible_value') then 'value'
            when sent.reason like 'unit%' or sent.reason in ('zero_without_unit', 'code_unit_mismatch') then 'unit'
            when sent.reason = 'invalid_code' and sent.own_word is not null and own_words.code is null then sent.own_column
            when sent.reason = 'invalid_code' then 'status'
        end as column_name
    from sent
    left join {{ ref('stg_code_word') }} as own_words
        on sent.site = own_words.site and sent.own_column = own_words.kind and sent.own_word = own_words.word
)

select
    entity,
    file_no,
    record_number,
    is_open,
    site,
    patient_id,
    reason,
    column_name,
    case when column_name = 'unit' then test_code end as test_code,
    case
        when column_name = 'unit' then unit
        when column_name = 'drug' and reason = 'unknown_drug' then drug
        when column_name = 'material' then material
        when reason = 'invalid_code' then case when column_name = 'status' then status else own_word end
    end as spelling
from concerned
