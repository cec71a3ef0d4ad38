/*
Grain: a delivered clinical_events row, good or bad; description and code stay in the vault.
*/
with delivered as (
    {{ delivered_rows('clinical_events', 'event_id', [
        'event_id', 'patient_id', 'event_type', 'onset_date', 'end_date', 'code', 'description', 'status']) }}
),

typed as (
    select
        delivered.*,
        type_words.code as event_type_code,
        cast({{ read_time('onset_date', 'delivered.site', 'time_zone') }} as date) as onset_on,
        cast({{ read_time('end_date', 'delivered.site', 'time_zone') }} as date) as end_on_sent
    from delivered
    left join {{ ref('stg_code_word') }} as type_words
        on
            delivered.site = type_words.site
            and type_words.kind = 'event_type'
            and delivered.event_type = type_words.word
)

select
    file_no,
    record_number,
    record_key,
    base_key,
    content_hash,
    patient_no,
    is_cancelled,
    true as is_mapped,
    patient_id is not null as has_patient_id,
    {{ held_back_reasons('event_id', ['patient_id', 'event_type', 'onset_date'], [
        ['invalid_code', invalid_status() ~ ' or (event_type is not null and event_type_code is null)'],
        ['unparseable_date', 'onset_date is not null and onset_on is null'],
        ['date_after_delivery', 'onset_on > delivery_end'],
    ]) }} as reasons,
    onset_on as judged_on,
    event_type_code as event_type,
    onset_on,
    end_on_sent,
    case when end_on_sent <= delivery_end and (onset_on is null or end_on_sent >= onset_on) then end_on_sent end
        as end_on,
    {{ reason_list([
        ['end_date:unparseable_date', 'end_date is not null and end_on_sent is null'],
        ['end_date:date_after_delivery', 'end_on_sent > delivery_end'],
        ['end_date:end_before_start', 'end_on_sent < onset_on'],
    ]) }} as cell_defects
from typed
