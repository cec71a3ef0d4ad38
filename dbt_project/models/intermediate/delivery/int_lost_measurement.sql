/*
Grain: a measurement with a composed key that is not used although nothing is wrong with it. lost_by gives the reason:
    not_in_later_file       a day had several measurements, and the last file with measurements of that day lacks this one
    unclear_cancellation    a cancellation may mean it (int_taken_back), and no later file contains it
*/
with measured as (
    select r.record_key, r.base_key, r.is_cancelled, files.file_order
    from {{ ref('int_delivered_row') }} as r
    inner join {{ ref('stg_input_file') }} as files on r.file_no = files.file_no
    where r.base_key is not null
),

-- a cancellation is not a measurement
several_a_day as (
    select base_key, max(file_order) as last_file_order
    from measured
    where not is_cancelled
    group by base_key
    having count(distinct record_key) > 1
),

dropped as (
    select measured.record_key
    from measured
    inner join several_a_day on measured.base_key = several_a_day.base_key
    group by measured.record_key, several_a_day.last_file_order
    having
        max(measured.file_order) < several_a_day.last_file_order
        and min(case when measured.is_cancelled then 1 else 0 end) = 0
),

doubtful as (
    select measured_key as record_key, max(file_order) as file_order
    from {{ ref('int_taken_back') }}
    where is_held_back
    group by measured_key
),

held_back as (
    select measured.record_key
    from measured
    inner join doubtful on measured.record_key = doubtful.record_key
    group by measured.record_key, doubtful.file_order
    having max(measured.file_order) <= doubtful.file_order
)

select
    coalesce(held_back.record_key, dropped.record_key) as record_key,
    case when held_back.record_key is not null then 'unclear_cancellation' else 'not_in_later_file' end as lost_by
from dropped
full outer join held_back on dropped.record_key = held_back.record_key
