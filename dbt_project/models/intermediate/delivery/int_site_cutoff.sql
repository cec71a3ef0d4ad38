/*
Grain: a site, with the last day about which anything is known: the study's data cut-off or the last day of the site's last
delivered month, whichever is earlier. If a site delivers late, its patients are not "lost".
*/
with last_delivered as (
    select site, max(delivery_end) as delivered_to
    from {{ ref('stg_input_file') }}
    group by site
)

select
    last_delivered.site,
    case
        when study.data_cutoff < last_delivered.delivered_to then study.data_cutoff
        else last_delivered.delivered_to
    end as cutoff_date
from last_delivered
cross join {{ source('config', 'study') }} as study
