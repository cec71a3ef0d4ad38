{#- how many rows arrive together (a blood count is some ten results, which all arrive or none), and whether rows come as
    long as patients are followed: new patients, lines, events and reviews may stop, for example when enrolment ends -#}
{%- set entities = [
    ('patients', 1, false), ('treatments', 1, false), ('administrations', 1, true), ('lab_results', 10, true),
    ('clinical_events', 1, false), ('adjudications', 1, false)
] %}
/*
Grain: site x month x entity, for every month from the site's first delivery to the latest month that any site delivered,
with the files and rows that came.
months_covered: months since the site's previous delivery; NULL for its first, which may contain any number of years.
first_month_number: the month in which the site first sent rows of the entity.
previous_file_month_number: the last earlier month in which the site sent a file of the entity.
*/
with files as (
    select site, delivery_mode, entity, n_rows, {{ month_number('delivery') }} as month_number
    from {{ ref('stg_input_file') }}
),

deliveries as (
    select
        site,
        delivery_mode,
        month_number
    from files
    group by site, delivery_mode, month_number
),

sites as (
    select
        site,
        max(delivery_mode) as delivery_mode,
        min(month_number) as first_month,
        max(max(month_number)) over () as latest_month
    from deliveries
    group by site
),

months as (
    select
        sites.site,
        sites.latest_month - numbers.number + 1 as month_number
    from sites
    inner join {{ ref('int_number') }} as numbers on numbers.number <= sites.latest_month - sites.first_month + 1
    -- the list of numbers has an end; a delivery before it still counts
    union
    select site, month_number
    from deliveries
),

entities as (
    {% for entity, rows, continues in entities %}
    select '{{ entity }}' as entity, {{ rows }} as rows_at_once, {{ continues | lower }} as is_continuous
    {{- " union all" if not loop.last }}
    {% endfor %}
),

received as (
    select
        site,
        entity,
        month_number,
        count(*) as files_received,
        sum(n_rows) as rows_received
    from files
    group by site, entity, month_number
)

select
    months.site,
    months.month_number,
    entities.entity,
    entities.rows_at_once,
    entities.is_continuous,
    sites.delivery_mode,
    deliveries.site is not null as is_delivered,
    months.month_number - max(deliveries.month_number) over before_this as months_covered,
    cast(coalesce(received.files_received, 0) as bigint) as files_received,
    cast(coalesce(received.rows_received, 0) as bigint) as rows_received,
    min(case when received.rows_received > 0 then months.month_number end)
        over (partition by months.site, entities.entity) as first_month_number,
    max(received.month_number) over before_this as previous_file_month_number
from months
inner join sites on months.site = sites.site
cross join entities
left join deliveries on months.site = deliveries.site and months.month_number = deliveries.month_number
left join received
    on
        months.site = received.site
        and months.month_number = received.month_number
        and entities.entity = received.entity
window before_this as (
    partition by months.site, entities.entity
    order by months.month_number asc
    rows between unbounded preceding and 1 preceding
)
