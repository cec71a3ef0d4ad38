/*
Grain: a delivered row whose key came more than once, may be missing from a snapshot, or is lost (int_lost_measurement). Any
other row is the only one with its key and needs no order.
Rules: rows of a key are ordered by delivery month, file name and record number. The last one that does not repeat the row
before it decides (deciding_order).
is_disputed: one file has two versions of the record. is_withdrawn: a later snapshot does not contain the key.
*/
with files as (
    select
        file_no,
        entity,
        delivery,
        file_order,
        delivery_mode = 'snapshot' as is_snapshot,
        dense_rank() over (partition by site, entity order by delivery asc) as delivery_order,
        max(case when delivery_mode = 'snapshot' then delivery end) over (partition by site, entity) as last_snapshot
    from {{ ref('stg_input_file') }}
),

delivered as (
    select * from {{ ref('int_delivered_row') }}
),

contended_keys as (
    select record_key from delivered where record_key is not null group by record_key having count(*) > 1
    union
    select delivered.record_key
    from delivered
    inner join files on delivered.file_no = files.file_no
    where delivered.record_key is not null and files.delivery < files.last_snapshot
    union
    select record_key from {{ ref('int_lost_measurement') }}
),

in_order as (
    select
        r.*,
        files.is_snapshot,
        files.delivery_order,
        row_number() over (partition by r.record_key order by files.file_order asc, r.record_number asc) as key_order,
        count(*) over (partition by r.record_key) as last_order,
        coalesce(max(files.delivery) over (partition by r.record_key) < files.last_snapshot, false) as is_withdrawn,
        not r.is_cancelled
        and min(case when not r.is_cancelled then r.content_hash end) over (partition by r.record_key, r.file_no)
        <> max(case when not r.is_cancelled then r.content_hash end) over (partition by r.record_key, r.file_no)
            as is_disputed
    from delivered as r
    inner join contended_keys on r.record_key = contended_keys.record_key
    inner join files on r.file_no = files.file_no
),

compared as (
    select
        *,
        coalesce(
            reasons is null and not is_disputed
            and lag(reasons is null and not is_disputed) over by_key
            and content_hash = lag(content_hash) over by_key
            -- if a snapshot between the two lacked the key, the key was withdrawn in the meantime
            and not (is_snapshot and delivery_order > 1 + lag(delivery_order) over by_key),
            false
        ) as is_repeated
    from in_order
    window by_key as (partition by record_key order by key_order asc)
),

ordered as (
    select *, max(case when not is_repeated then key_order end) over (partition by record_key) as deciding_order
    from compared
)

select
    ordered.file_no,
    ordered.record_number,
    ordered.record_key,
    ordered.key_order,
    ordered.last_order,
    ordered.deciding_order,
    ordered.is_repeated,
    ordered.is_disputed,
    ordered.is_withdrawn,
    lost.lost_by
from ordered
left join {{ ref('int_lost_measurement') }} as lost on ordered.record_key = lost.record_key
