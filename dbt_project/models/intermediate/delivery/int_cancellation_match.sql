/*
Grain: a cancelled record with a composed key (which names only a day) x a measurement of that day in the same or an earlier
file, with the strength of the match. The cancellation has its own key (number 0 of the day): no file knows what others hold.
Rule, strongest first; at equal strength, measurements in the cancellation's own file come first:
    4  the same content
    2  the same value, in any unit or spelling
    1  the cancellation states no value, but another value of its cancelled draw matches a measurement in the same record
    0  none of these
*/
with rows_of_days as (
    {% for name in ['administration', 'lab_result', 'clinical_event'] %}
    select
        r.file_no,
        r.record_number,
        {{ record_in_file('r.record_number', 'files.cells_per_record') }} as record,
        files.file_order,
        r.record_key,
        r.base_key,
        r.day_content,
        r.sent_value,
        r.read_value,
        r.is_cancelled
    from {{ ref('stg_' ~ name) }} as r
    inner join {{ ref('stg_input_file') }} as files on r.file_no = files.file_no
    where r.base_key is not null
    {{ "union all" if not loop.last }}
    {% endfor %}
),

cancellations as (
    select
        *,
        max(case when sent_value is not null then 1 else 0 end) over (partition by file_no, record) = 1 as is_stated_draw
    from rows_of_days
    where is_cancelled and record_key <> base_key
),

-- all measurements of the cancellation's day, each in its last version at that time
possible as (
    select
        c.*,
        m.record_key as measured_key,
        m.file_no as measured_file_no,
        m.record as measured_record,
        m.file_order as measured_order,
        case
            when m.day_content = c.day_content then 4
            when m.read_value = c.read_value then 2
            -- a value that can't be read is compared as it was sent
            when m.sent_value = c.sent_value and (m.read_value is null or c.read_value is null) then 2
            else 0
        end as likeness,
        row_number() over (
            partition by c.file_no, c.record_number, m.record_key
            order by m.file_order desc, m.record_number desc
        ) as recency
    from cancellations as c
    inner join rows_of_days as m on c.base_key = m.base_key and c.file_order >= m.file_order
    where not m.is_cancelled and m.day_content is not null
),

alike as (
    select
        *,
        likeness + case when likeness > 0 and measured_file_no = file_no then 1 else 0 end as strength
    from possible
    where recency = 1
),

-- records that hold a measurement matching a stated value of the cancelled draw
same_draw as (
    select distinct file_no, record, measured_file_no, measured_record
    from alike
    where strength > 0
)

select
    alike.file_no,
    alike.record_number,
    alike.base_key,
    alike.file_order,
    alike.measured_key,
    alike.measured_order,
    alike.sent_value is not null as is_stated,
    alike.is_stated_draw,
    alike.measured_file_no = alike.file_no as is_same_file,
    case
        when alike.strength > 0 then alike.strength
        when alike.sent_value is null and same_draw.record is not null then 1
        else 0
    end as strength
from alike
left join same_draw
    on
        alike.file_no = same_draw.file_no
        and alike.record = same_draw.record
        and alike.measured_file_no = same_draw.measured_file_no
        and alike.measured_record = same_draw.measured_record
