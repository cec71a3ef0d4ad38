/*
Grain: site x delivery x entity x file x reason, with the number of rows quarantined for it. A row with several reasons
counts under each.
*/
with counted as (
    select held.file_no, reasons.reason, count(*) as n_rows
    from {{ ref('int_row_disposition') }} as held
    inner join {{ ref('quarantine_reasons') }} as reasons
        on concat(',', held.reasons, ',') like concat('%,', reasons.reason, ',%')
    where held.disposition = 'quarantined'
    group by held.file_no, reasons.reason
)

select
    files.site,
    files.delivery,
    files.entity,
    files.file_id as source_file,
    counted.reason,
    counted.n_rows
from counted
inner join {{ ref('stg_input_file') }} as files on counted.file_no = files.file_no
