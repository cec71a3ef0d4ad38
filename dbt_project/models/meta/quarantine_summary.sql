/*
Grain: site x delivery x entity x file x reason, with the number of rows it holds back. A row of several reasons counts
under each.
*/
select
    files.site,
    files.delivery,
    files.entity,
    files.file_id as source_file,
    reasons.reason,
    count(*) as n_rows
from {{ ref('int_set_aside') }} as aside
inner join {{ ref('stg_input_file') }} as files on aside.file_no = files.file_no
inner join {{ ref('quarantine_reasons') }} as reasons
    on concat(',', aside.reasons, ',') like concat('%,', reasons.reason, ',%')
where aside.disposition = 'quarantined'
group by files.site, files.delivery, files.entity, files.file_id, reasons.reason
