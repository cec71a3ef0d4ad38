/*
Grain: a whole number from 1 to 2000, to count out assumed doses (2000 intervals of 28 days are 153 years).
*/
with digits as (
    {% for digit in range(10) %}
    select {{ digit }} as digit{{ " union all" if not loop.last }}
    {% endfor %}
)

select 1 + ones.digit + 10 * tens.digit + 100 * hundreds.digit + 1000 * thousands.digit as number
from digits as ones
cross join digits as tens
cross join digits as hundreds
cross join digits as thousands
where thousands.digit < 2
