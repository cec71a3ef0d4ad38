/*
Grain: a cancelled record of a composed key x a measurement that it takes back, or could mean.
Rules: it takes back the measurement that matches best (int_cancellation_match); without a value, the only one of its day that
no other cancellation takes back. It is unclear where several match best, or where it states a value that no measurement has;
not where its own file holds measurements of that day, for then these are what holds.
is_held_back: an unclear cancellation holds back the measurements that it could mean, until a later file holds them again, or
takes back one of the day by its value.
*/
with best as (
    select
        *,
        max(strength) over (partition by file_no, record_number) as best_strength,
        max(case when is_same_file then 1 else 0 end) over (partition by file_no, record_number) = 1 as is_restated
    from {{ ref('int_cancellation_match') }}
),

counted as (
    select
        *,
        sum(case when strength = best_strength then 1 else 0 end) over (partition by file_no, record_number) as n_best
    from best
),

taken_by_value as (
    select measured_key, base_key, file_order
    from counted
    where is_stated and best_strength > 0 and strength = best_strength and n_best = 1
),

meant as (
    select
        c.file_no,
        c.record_number,
        c.base_key,
        c.file_order,
        c.measured_key,
        count(*) over (partition by c.file_no, c.record_number) > 1 or (c.is_stated and c.best_strength = 0) as is_unclear
    from counted as c
    where
        -- something matches: the best
        (c.best_strength > 0 and c.strength = c.best_strength)
        -- it states a value that no measurement has: it could mean any of the day
        or (c.best_strength = 0 and c.is_stated and not c.is_restated)
        -- it states none: all that no value took back since
        or (
            c.best_strength = 0
            and not c.is_stated_draw
            and not exists (
                select 1
                from taken_by_value as t
                where t.measured_key = c.measured_key and t.file_order between c.measured_order and c.file_order
            )
        )
)

select
    meant.file_no,
    meant.record_number,
    meant.file_order,
    meant.measured_key,
    meant.is_unclear,
    meant.is_unclear and not exists (
        select 1
        from taken_by_value as later
        where later.base_key = meant.base_key and later.file_order > meant.file_order
    ) as is_held_back
from meant
