/*
Grain: a key (as keyed hash) whose last row can't be used (quarantined, not mapped) although an earlier one could, which is
not used either; or one of several measurements of a day that a later file with measurements of that day no longer contains
(superseded, not_in_later_file), or that an unclear cancellation may take back (superseded, unclear_cancellation).
*/
select
    files.site,
    files.entity,
    {{ key_text('unused.record_key') }} as record_key,
    files.file_id as source_file,
    {{ record_in_file('unused.record_number', 'files.cells_per_record') }} as record_number,
    unused.disposition,
    case when unused.disposition = 'superseded' then unused.lost_by else unused.reasons end as reasons
from {{ ref('int_row_disposition') }} as unused
inner join {{ ref('stg_input_file') }} as files on unused.file_no = files.file_no
where unused.is_contested
