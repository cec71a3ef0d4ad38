{{ config(materialized='view') }}
/*
Grain: a delivered adjudications row (a reviewer's verdict on the episodes with onset in a span of dates), good or bad.
A view over the vault, never stored: ordering two verdicts may need the text of the source key, and a role is free text.
Rule: only reviewed_on is compared with the delivery date, and no date with birth or death.
*/
with delivered as (
    {{ delivered_rows('adjudications', 'adjudication_id', [
        'adjudication_id', 'patient_id', 'onset_from', 'onset_to', 'verdict', 'reviewed_on', 'reviewer_role', 'comment',
        'status']) }}
),

typed as (
    select
        delivered.*,
        verdict_words.code as verdict_code,
        cast({{ read_time('onset_from', 'delivered.site', 'time_zone') }} as date) as onset_from_day,
        cast({{ read_time('onset_to', 'delivered.site', 'time_zone') }} as date) as onset_to_day,
        cast({{ read_time('reviewed_on', 'delivered.site', 'time_zone') }} as date) as reviewed_day
    from delivered
    left join {{ ref('stg_code_word') }} as verdict_words
        on
            delivered.site = verdict_words.site
            and verdict_words.kind = 'verdict'
            and delivered.verdict = verdict_words.word
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
    {{ held_back_reasons('adjudication_id', required_columns('adjudications'), [
        ['invalid_code', invalid_status() ~ ' or (verdict is not null and verdict_code is null)'],
        ['unparseable_date', '(onset_from is not null and onset_from_day is null)'
            ~ ' or (onset_to is not null and onset_to_day is null)'],
        ['end_before_start', 'onset_to_day < onset_from_day'],
    ]) }} as reasons,
    cast(null as date) as judged_date,
    adjudication_id,
    onset_from_day as onset_from,
    onset_to_day as onset_to,
    verdict_code as verdict,
    case when reviewed_day <= delivery_end then reviewed_day end as reviewed_date,
    lower(reviewer_role) as reviewer_role,
    {{ reason_list([
        ['reviewed_on:unparseable_date', 'reviewed_on is not null and reviewed_day is null'],
        ['reviewed_on:date_after_delivery', 'reviewed_day > delivery_end'],
    ]) }} as cell_defects
from typed
