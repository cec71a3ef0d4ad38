/*
Grain: a quarantined row (int_row_disposition), and whether it is open: its site still has to do something about it.
Rules: a row is closed as soon as its record has been delivered again, by its key: well, or in a later file that is quarantined
itself (then the later row is open instead). Likewise, if a later snapshot holds everything; if a later file of the day no
longer contains this measurement (int_lost_measurement); or if it is an unclear cancellation that blocks no measurement any
more (int_taken_back). A row without a key stays open until its file is replaced or retracted, or a later snapshot comes.
*/
with files as (
    select
        file_no,
        file_order,
        delivery_mode = 'snapshot' and delivery < max(delivery) over (partition by site, entity) as is_before_snapshot
    from {{ ref('stg_input_file') }}
),

quarantined as (
    select
        r.entity,
        r.file_no,
        r.record_number,
        r.record_key,
        r.reasons,
        files.file_order,
        files.is_before_snapshot,
        o.key_order,
        o.lost_by
    from {{ ref('int_row_disposition') }} as r
    inner join files on r.file_no = files.file_no
    -- only keys that came more than once have an order
    left join {{ ref('int_row_order') }} as o on r.file_no = o.file_no and r.record_number = o.record_number
    where r.disposition = 'quarantined'
),

-- when each of these keys came last, and when it came last without a defect
last_delivered as (
    select
        o.record_key,
        max(files.file_order) as file_order,
        max(case when again.reasons is null then o.key_order end) as sound_order
    from {{ ref('int_row_order') }} as o
    inner join (select distinct record_key from quarantined) as keys on o.record_key = keys.record_key
    inner join files on o.file_no = files.file_no
    left join {{ ref('int_row_disposition') }} as again
        on o.file_no = again.file_no and o.record_number = again.record_number
    group by o.record_key
),

-- unclear cancellations for which a measurement is still not used
blocking as (
    select distinct taken_back.file_no, taken_back.record_number
    from {{ ref('int_taken_back') }} as taken_back
    inner join {{ ref('int_lost_measurement') }} as lost on taken_back.measured_key = lost.record_key
    where taken_back.is_held_back and lost.lost_by = 'unclear_cancellation'
)

select
    q.entity,
    q.file_no,
    q.record_number,
    q.reasons,
    not (
        q.is_before_snapshot
        or coalesce(q.file_order < last_delivered.file_order, false)
        or coalesce(q.key_order < last_delivered.sound_order, false)
        or coalesce(q.lost_by = 'not_in_later_file', false)
        or (q.reasons = 'unclear_cancellation' and blocking.file_no is null)
    ) as is_open
from quarantined as q
left join last_delivered on q.record_key = last_delivered.record_key
left join blocking on q.file_no = blocking.file_no and q.record_number = blocking.record_number
