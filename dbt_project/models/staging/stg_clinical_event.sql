/*
Grain: a delivered clinical_events row, good or bad; description and code stay in the vault.
Rule: a partial end counts to its last day.
*/
with delivered as (
    {{ delivered_rows('clinical_events', 'event_id', [
        'event_id', 'patient_id', 'event_type', 'onset_date', 'end_date', 'code', 'description', 'status']) }}
),

typed as (
    select
        delivered.*,
        type_words.code as event_type_code,
        cast({{ read_time('delivered.onset_date', 'delivered.site', 'delivered.time_zone') }} as date) as onset_day,
        {{ partial_text('delivered.end_date') }} as end_partial
    from delivered
    left join {{ ref('stg_code_word') }} as type_words
        on
            delivered.site = type_words.site
            and type_words.kind = 'event_type'
            and delivered.event_type = type_words.word
),

known as (
    select *, {{ date_as_known('end_date', 'end_partial', 'site', 'time_zone') }} as end_known
    from typed
),

dated as (
    select *, {{ first_day('end_known') }} as end_from_sent, {{ last_day('end_known') }} as end_to_sent
    from known
)

select
    file_no,
    record_number,
    record_key,
    base_key,
    content_hash,
    -- compared with what a cancellation of the day states: see int_taken_back
    day_content,
    case when base_key is not null and code is not null then {{ cells_hash('salt', ['code']) }} end as sent_value,
    cast(null as {{ dbt.type_string() }}) as read_value,
    patient_no,
    is_cancelled,
    true as is_mapped,
    patient_id is not null as has_patient_id,
    {{ held_back_reasons('event_id', required_columns('clinical_events'), [
        ['invalid_code', invalid_status() ~ ' or (event_type is not null and event_type_code is null)'],
        ['unparseable_date', 'onset_date is not null and onset_day is null'],
        ['date_after_delivery', 'onset_day > delivery_end'],
    ]) }} as reasons,
    onset_day as judged_date,
    event_type_code as event_type,
    onset_day as onset_date,
    end_from_sent,
    end_to_sent,
    case when end_from_sent <= delivery_end and end_to_sent >= onset_day then end_from_sent end as end_from,
    case when end_from_sent <= delivery_end and end_to_sent >= onset_day then end_to_sent end as end_date,
    {{ reason_list([
        ['end_date:unparseable_date', 'end_date is not null and end_known is null'],
        ['end_date:date_after_delivery', 'end_from_sent > delivery_end'],
        ['end_date:end_before_start', 'end_to_sent < onset_day'],
    ]) }} as cell_defects
from dated
