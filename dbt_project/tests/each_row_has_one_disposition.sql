-- A delivered row is set aside at most once, for one disposition: else a row would be counted twice.
select file_no, record_number
from {{ ref('int_set_aside') }}
group by file_no, record_number
having count(*) > 1
