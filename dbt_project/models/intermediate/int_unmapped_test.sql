{{ config(materialized='view') }}
/*
Grain: a result that is not mapped because its test's code is in no list. A view over the vault, never stored: it holds
codes and names as they were sent, which may be anything in a row out of place.
*/
select
    files.site,
    files.file_id,
    staged.patient_no,
    {{ cell('sent.test_code') }} as test_code,
    {{ cell('sent.test_name') }} as test_name,
    {{ reads_like_neutrophils('sent.test_code', 'sent.test_name') }} as is_neutrophil_like
from {{ ref('int_lab_result_set_aside') }} as aside
inner join {{ ref('stg_lab_result') }} as staged
    on aside.file_no = staged.file_no and aside.record_number = staged.record_number
inner join {{ source('raw', 'lab_results') }} as sent
    on aside.file_no = sent.file_no and aside.record_number = sent.record_number
inner join {{ ref('stg_input_file') }} as files on aside.file_no = files.file_no
where aside.disposition = 'not_mapped' and staged.analyte is null
