{%- set fewest_past = 3 %}
{%- set fewest_in_snapshot = 10 %}
/*
Grain: site x month x entity, for every month from the site's first delivery to the latest month that any site delivered.
What came, and what the site's earlier deliveries led to expect.
rows_expected. Delta: the site's usual rows per month (int_usual_month) times the months that the delivery covers, which
are those since the previous one. Snapshot: the rows of the previous snapshot.
rows_at_least: NULL if earlier deliveries say too little. Delta: half of rows_expected, or less if chance alone can explain a
larger drop: three times the Poisson spread (rows that arrive together vary together), or the site's own if that is larger.
So nothing can be missing if 9 rows or fewer are expected (90 for lab_results). It is also 0 if an entity that may stop was
as low in the last two deliveries, because that was reported twice. Results and doses never stop as long as patients are
followed. Snapshot: nine tenths, from 10 rows on, because a key missing from a snapshot is withdrawn.
*/
with expected as (
    select
        months.*,
        usual.n_past,
        coalesce(usual.months_between, 1) as months_between,
        usual.spread_a_month * months.months_covered as own_spread,
        usual.rows_a_month_lately * months.months_covered as rows_lately,
        case
            when months.delivery_mode = 'snapshot' then previous_snapshot.rows_received
            else usual.rows_a_month * months.months_covered
        end as rows_expected
    from {{ ref('int_received_month') }} as months
    left join {{ ref('int_usual_month') }} as usual
        on
            months.site = usual.site
            and months.entity = usual.entity
            and months.month_number = usual.month_number
    left join {{ ref('int_received_month') }} as previous_snapshot
        on
            months.site = previous_snapshot.site
            and months.entity = previous_snapshot.entity
            and months.previous_file_month_number = previous_snapshot.month_number
),

unlikely as (
    select
        *,
        greatest(
            rows_expected - greatest(0.5 * rows_expected, 3 * sqrt(rows_expected * rows_at_once), 3 * own_spread), 0
        ) as fewest_by_chance
    from expected
),

bounded as (
    select
        *,
        case
            when delivery_mode = 'snapshot'
                then case when rows_expected >= {{ fewest_in_snapshot }} then ceil(9 * rows_expected / 10) end
            when n_past >= {{ fewest_past }}
                then case when is_continuous or rows_lately >= fewest_by_chance then ceil(fewest_by_chance) else 0 end
        end as rows_at_least
    from unlikely
)

select
    site,
    {{ month_text('month_number') }} as delivery,
    entity,
    files_received,
    rows_received,
    cast(rows_expected as decimal(18, 1)) as rows_expected,
    cast(rows_at_least as bigint) as rows_at_least,
    cast(100.0 * rows_received / nullif(rows_expected, 0) as double) as share_pct,
    case
        when not is_delivered and months_covered < months_between then 'not_due'
        when not is_delivered then 'no_delivery'
        when month_number = first_month_number then 'first'
        when rows_received < rows_at_least and rows_received = 0 then 'missing'
        when rows_received < rows_at_least then 'low'
        when rows_received = 0 then 'none'
        else 'received'
    end as status
from bounded
