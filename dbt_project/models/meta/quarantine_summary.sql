/*
Grain: site x delivery x entity x file x reason, with the number of rows quarantined for it, and how many are open
(int_quarantined_row). A row with several reasons counts under each.
*/
with counted as (
    select
        held.file_no,
        reasons.reason,
        count(*) as n_rows,
        sum(case when held.is_open then 1 else 0 end) as n_open
    from {{ ref('int_quarantined_row') }} as held
    inner join {{ ref('quarantine_reasons') }} as reasons
        on concat(',', held.reasons, ',') like concat('%,', reasons.reason, ',%')
    group by held.file_no, reasons.reason
)

select
    files.site,
    files.delivery,
    files.entity,
    files.file_id as source_file,
    counted.reason,
    counted.n_rows,
    cast(counted.n_open as bigint) as n_open
from counted
inner join {{ ref('stg_input_file') }} as files on counted.file_no = files.file_no
