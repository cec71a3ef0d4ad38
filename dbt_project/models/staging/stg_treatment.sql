/*
Grain: a delivered treatments row (one line of therapy), good or bad, without identifiers or free text.
Rule: a defect in a required cell quarantines the row; in an optional cell, the cell is emptied and the defect counted.
A partial start counts from its first day, a partial end to its last. It contradicts another date only if all its days do.
An end planned after the delivery is emptied, and the line counts as open. An end that can't be read or is before the start
is emptied too, but it means that the line has ended: its end is unknown. The days of a G-CSF line are doses, but a line with
a partial start gives no dose; such starts are counted.
*/
with delivered as (
    {{ delivered_rows('treatments', 'treatment_id', [
        'treatment_id', 'patient_id', 'drug', 'start_date', 'end_date', 'end_reason', 'status']) }}
),

partial as (
    select *, {{ partial_text('start_date') }} as start_partial, {{ partial_text('end_date') }} as end_partial
    from delivered
),

known as (
    select
        d.*,
        names.drug as substance,
        drugs.drug_class,
        {{ date_as_known('d.start_date', 'd.start_partial', 'd.site', 'd.time_zone') }} as start_known,
        {{ date_as_known('d.end_date', 'd.end_partial', 'd.site', 'd.time_zone') }} as end_known,
        reason_words.code as end_reason_code
    from partial as d
    left join {{ ref('stg_code_word') }} as reason_words
        on d.site = reason_words.site and reason_words.kind = 'end_reason' and d.end_reason = reason_words.word
    left join {{ ref('stg_drug_name') }} as names on d.site = names.site and d.drug = names.name
    left join {{ ref('drugs') }} as drugs on names.drug = drugs.drug
),

typed as (
    select
        *,
        {{ first_day('start_known') }} as start_day,
        {{ last_day('start_known') }} as start_to,
        {{ first_day('end_known') }} as end_from_sent,
        {{ last_day('end_known') }} as end_to_sent
    from known
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
    {{ held_back_reasons('treatment_id', required_columns('treatments'), [
        ['invalid_code', invalid_status()],
        ['unknown_drug', 'drug is not null and substance is null'],
        ['unparseable_date', 'start_date is not null and start_day is null'],
        ['date_after_delivery', 'start_day > delivery_end'],
    ]) }} as reasons,
    start_day as judged_date,
    start_to as judged_to,
    substance as drug,
    start_day as start_date,
    start_to,
    end_from_sent,
    end_to_sent,
    case when end_from_sent <= delivery_end and end_to_sent >= start_day then end_from_sent end as end_from,
    case when end_from_sent <= delivery_end and end_to_sent >= start_day then end_to_sent end as end_date,
    end_date is not null and (end_known is null or end_to_sent < start_day) as end_unknown,
    end_reason_code as end_reason,
    {{ reason_list([
        ['start_date:unparseable_date', "drug_class = 'gcsf' and start_day <> start_to"],
        ['end_date:unparseable_date', 'end_date is not null and end_known is null'],
        ['end_date:date_after_delivery', 'end_from_sent > delivery_end'],
        ['end_date:end_before_start', 'end_to_sent < start_day'],
        ['end_reason:invalid_code', 'end_reason is not null and end_reason_code is null'],
    ]) }} as cell_defects
from typed
