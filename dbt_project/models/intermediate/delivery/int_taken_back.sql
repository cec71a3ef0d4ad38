/*
Grain: a cancelled record with a composed key x a measurement that it takes back, or may mean.
Rules: a cancellation takes back the measurement that matches best (int_cancellation_match). If it has no value, it takes back
the only one of its day that no other cancellation takes back. It is unclear if several match equally well, or if it states a
value that no measurement has; but not if its own file has measurements of that day, because then those count.
is_held_back: an unclear cancellation blocks the measurements that it may mean until a later file contains them again, or
takes back one of that day by its value.
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
        -- some measurement matches: the best match
        (c.best_strength > 0 and c.strength = c.best_strength)
        -- it states a value that no measurement has: it may mean any of that day
        or (c.best_strength = 0 and c.is_stated and not c.is_restated)
        -- it states no value: all that no cancellation with a value has taken back since
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
