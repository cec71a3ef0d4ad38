{#
  Of the entity's cancelled records whose key is composed of a day alone: which measurement each takes back. They come
  with a key of their own (number 0 of the day), for a file does not know what others hold.

  A cancellation chooses among the measurements of its day that its own file and those before it hold, each in its last
  form: the one with the same content, else the one whose value it states (in any unit or spelling), its own file's first.
  Without a value it takes back the only one that no other cancellation takes back. Cells of a wide table's draw that
  states other values take back what came in one record with these.
  It is unclear where several could be meant, or where it states a value that none has; not where its own file holds
  measurements of that day, for then these are what holds. An unclear one holds back those that it could mean, until a later
  file holds them again, or takes back one of the day by its value.

  CTEs on top of `files` of the macro set_aside:
    taken_back    file_no, record_number, record_key of what is taken back (NULL: nothing), is_unclear
    unclear_keys  record_key, file_order: measurements held back up to that file
#}
{% macro taken_back(relation) -%}
cancellations as (
    select
        r.file_no,
        r.record_number,
        {{ record_in_file('r.record_number', 'files.cells_per_record') }} as record,
        r.base_key,
        r.day_content,
        r.sent_value,
        r.read_value,
        files.file_order,
        max(case when r.sent_value is not null then 1 else 0 end) over (
            partition by r.file_no, {{ record_in_file('r.record_number', 'files.cells_per_record') }}
        ) = 1 as is_stated_draw
    from {{ relation }} as r
    inner join files on r.file_no = files.file_no
    where r.is_cancelled and r.record_key <> r.base_key
),

-- every measurement of its day, in its last form by then
possible as (
    select
        c.file_no,
        c.record_number,
        c.record,
        c.base_key,
        c.file_order,
        c.sent_value is not null as is_stated,
        c.is_stated_draw,
        m.record_key,
        m.file_no = c.file_no as is_same_file,
        m.file_no as measured_file_no,
        {{ record_in_file('m.record_number', 'files.cells_per_record') }} as measured_record,
        files.file_order as measured_order,
        case
            when m.day_content = c.day_content then 4
            when m.read_value = c.read_value then 2
            when m.sent_value = c.sent_value and (m.read_value is null or c.read_value is null) then 2
            else 0
        end as likeness,
        row_number() over (
            partition by c.file_no, c.record_number, m.record_key
            order by files.file_order desc, m.record_number desc
        ) as recency
    from cancellations as c
    inner join {{ relation }} as m on c.base_key = m.base_key and not m.is_cancelled
    inner join files on m.file_no = files.file_no
    where m.day_content is not null and files.file_order <= c.file_order
),

alike as (
    select
        *,
        case when likeness > 0 then likeness + case when is_same_file then 1 else 0 end else 0 end as strength
    from possible
    where recency = 1
),

-- records of draws that a stated value of a cancelled draw is one of
same_draw as (
    select distinct file_no, record, measured_file_no, measured_record
    from alike
    where strength > 0
),

by_value as (
    select
        alike.file_no,
        alike.record_number,
        alike.base_key,
        alike.file_order,
        alike.record_key,
        alike.is_stated,
        alike.is_stated_draw,
        alike.is_same_file,
        alike.measured_order,
        case
            when alike.strength > 0 then alike.strength
            when not alike.is_stated and same_draw.record is not null then 1
            else 0
        end as strength
    from alike
    left join same_draw
        on
            alike.file_no = same_draw.file_no
            and alike.record = same_draw.record
            and alike.measured_file_no = same_draw.measured_file_no
            and alike.measured_record = same_draw.measured_record
),

compared_by_value as (
    select
        *,
        max(strength) over (partition by file_no, record_number) as best_strength,
        max(case when is_same_file then 1 else 0 end) over (partition by file_no, record_number) = 1 as is_restated
    from by_value
),

counted_by_value as (
    select
        *,
        sum(case when strength = best_strength then 1 else 0 end) over (partition by file_no, record_number) as n_best
    from compared_by_value
),

taken_by_value as (
    select record_key, base_key, file_order
    from counted_by_value
    where is_stated and best_strength > 0 and strength = best_strength and n_best = 1
),

-- what it could mean: the best by value; without a value all that no value took back
meant as (
    select
        c.file_no,
        c.record_number,
        c.base_key,
        c.file_order,
        c.record_key,
        count(*) over (partition by c.file_no, c.record_number) > 1 or (c.is_stated and c.best_strength = 0) as is_unclear
    from counted_by_value as c
    where
        (c.best_strength > 0 and c.strength = c.best_strength)
        or (c.best_strength = 0 and c.is_stated and not c.is_restated)
        or (
            c.best_strength = 0
            and not c.is_stated_draw
            and not exists (
                select 1
                from taken_by_value as t
                where t.record_key = c.record_key and t.file_order between c.measured_order and c.file_order
            )
        )
),

taken_back as (
    select
        file_no,
        record_number,
        case when not max(is_unclear) then max(record_key) end as record_key,
        max(is_unclear) as is_unclear
    from meant
    group by file_no, record_number
),

unclear_keys as (
    select meant.record_key, max(meant.file_order) as file_order
    from meant
    where
        meant.is_unclear
        and not exists (
            select 1
            from taken_by_value as later
            where later.base_key = meant.base_key and later.file_order > meant.file_order
        )
    group by meant.record_key
),
{%- endmacro %}
