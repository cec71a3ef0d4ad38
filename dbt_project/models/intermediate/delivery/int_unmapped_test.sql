{{ config(materialized='view') }}
/*
Grain: a result that is not mapped because its test code is not in any list. A view over the vault, never stored: it holds
codes and patient ids as sent.
*/
with known as (
    select distinct site, test_code from {{ ref('stg_test_code') }}
),

sent as (
    select
        files.site,
        files.file_id,
        {{ cell('r.patient_id') }} as patient_id,
        {{ cell('r.test_code') }} as test_code,
        {{ cell('r.test_name') }} as test_name
    from {{ ref('int_row_disposition') }} as unused
    inner join {{ source('raw', 'lab_results') }} as r
        on unused.file_no = r.file_no and unused.record_number = r.record_number
    inner join {{ ref('stg_input_file') }} as files on unused.file_no = files.file_no
    where unused.entity = 'lab_results' and unused.disposition = 'not_mapped'
)

select
    sent.site,
    sent.file_id,
    sent.patient_id,
    sent.test_code,
    {{ reads_like_neutrophils('sent.test_code', 'sent.test_name') }} as is_neutrophil_like
from sent
left join known on sent.site = known.site and sent.test_code = known.test_code
where known.test_code is null
