{%- set past_deliveries = 12 %}
/*
Grain: site x month x entity with earlier deliveries: what the site usually sent, from up to 12 deliveries before.
rows_a_month: median number of rows per month covered. The entity's first delivery is left out, because nobody knows how many
years it contains, and so is the site's first, whose months are not known. n_past: the number of deliveries used.
spread_a_month: how much that varies: 1.4826 times the median absolute deviation (for normal counts, the standard
deviation). A failed month or two changes neither much.
rows_a_month_lately: the higher of the last two deliveries.
months_between: median months from one delivery to the next.
*/
with months as (
    select * from {{ ref('int_received_month') }}
),

past as (
    select
        now.site,
        now.entity,
        now.month_number,
        before.months_covered,
        case
            when before.month_number > now.first_month_number then 1.0 * before.rows_received / before.months_covered
        end as rows_a_month,
        row_number() over (
            partition by now.site, now.entity, now.month_number order by before.month_number desc
        ) as deliveries_ago
    from months as now
    inner join months as before
        on now.site = before.site and now.entity = before.entity and now.month_number > before.month_number
    where before.is_delivered and before.months_covered is not null
),

recent as (
    select * from past
    where deliveries_ago <= {{ past_deliveries }}
),

usual as (
    select
        site,
        entity,
        month_number,
        count(rows_a_month) as n_past,
        percentile_cont(0.5) within group (order by rows_a_month) as rows_a_month,
        max(case when deliveries_ago <= 2 then rows_a_month end) as rows_a_month_lately,
        percentile_cont(0.5) within group (order by months_covered) as months_between
    from recent
    group by site, entity, month_number
)

select
    usual.site,
    usual.entity,
    usual.month_number,
    usual.n_past,
    usual.rows_a_month,
    usual.rows_a_month_lately,
    usual.months_between,
    cast(
        1.4826 * percentile_cont(0.5) within group (order by abs(recent.rows_a_month - usual.rows_a_month))
        as decimal(18, 6)
    ) as spread_a_month
from usual
inner join recent
    on
        usual.site = recent.site
        and usual.entity = recent.entity
        and usual.month_number = recent.month_number
group by
    usual.site, usual.entity, usual.month_number, usual.n_past, usual.rows_a_month, usual.rows_a_month_lately,
    usual.months_between
