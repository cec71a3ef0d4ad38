-- A delivered row has at most one disposition: else it would be counted twice.
select file_no, record_number
from {{ ref('int_row_disposition') }}
group by file_no, record_number
having count(*) > 1
