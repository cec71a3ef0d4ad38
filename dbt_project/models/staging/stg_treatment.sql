/*
Grain: a delivered treatments row (one line of therapy), good or bad, without identifiers or free text.
Rule: a defect in a required cell holds the row back; in an optional one it empties the cell and is counted.
An end before the start, or planned after the delivery, is emptied: the line reads as open.
*/
with delivered as (
    {{ delivered_rows('treatments', 'treatment_id', [
        'treatment_id', 'patient_id', 'drug', 'start_date', 'end_date', 'end_reason', 'status']) }}
),

typed as (
    select
        d.*,
        names.drug as substance,
        cast({{ read_time('d.start_date', 'd.site', 'd.time_zone') }} as date) as start_on,
        cast({{ read_time('d.end_date', 'd.site', 'd.time_zone') }} as date) as end_on_sent,
        reason_words.code as end_reason_code
    from delivered as d
    left join {{ ref('stg_code_word') }} as reason_words
        on d.site = reason_words.site and reason_words.kind = 'end_reason' and d.end_reason = reason_words.word
    left join {{ ref('stg_drug_name') }} as names on d.site = names.site and d.drug = names.name
)

select
    file_no,
    record_number,
    record_key,
    content_hash,
    patient_no,
    is_cancelled,
    true as is_mapped,
    patient_id is not null as has_patient_id,
    {{ held_back_reasons('treatment_id', ['patient_id', 'drug', 'start_date'], [
        ['invalid_code', invalid_status()],
        ['unknown_drug', 'drug is not null and substance is null'],
        ['unparseable_date', 'start_date is not null and start_on is null'],
        ['date_after_delivery', 'start_on > delivery_end'],
    ]) }} as reasons,
    start_on as judged_on,
    substance as drug,
    start_on,
    end_on_sent,
    case when end_on_sent <= delivery_end and (start_on is null or end_on_sent >= start_on) then end_on_sent end
        as end_on,
    end_reason_code as end_reason,
    {{ reason_list([
        ['end_date:unparseable_date', 'end_date is not null and end_on_sent is null'],
        ['end_date:date_after_delivery', 'end_on_sent > delivery_end'],
        ['end_date:end_before_start', 'end_on_sent < start_on'],
        ['end_reason:invalid_code', 'end_reason is not null and end_reason_code is null'],
    ]) }} as cell_defects
from typed
