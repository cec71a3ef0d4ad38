{{ config(materialized='view') }}
/*
Grain: a current clinical_events row, one that is in use (int_row_disposition).
*/
select staged.*
from {{ ref('stg_clinical_event') }} as staged
left join {{ ref('int_row_disposition') }} as unused
    on staged.file_no = unused.file_no and staged.record_number = unused.record_number
where unused.file_no is null
