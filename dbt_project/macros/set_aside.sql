{#
  The rows of one entity that are not current, each with its one disposition:
    quarantined   a reason holds it back (judged afresh here against the patients now current)
    duplicate     equals the row before it of the same key, which was not quarantined: changes nothing
    superseded    a later row of the key decides, or a snapshot no longer holds the key, or a later file the measurement
    not_mapped    the deciding row, sound, but of a test the registry does not follow
  Everything else is current. Order: delivery month, file name, record number; the last row that is no duplicate
  decides. A row counts once: quarantined before superseded before not mapped.
  has_patient: the entity refers to a patient (all but patients itself).
  is_numbered: where the registry composes the keys, a day may hold several measurements, numbered. Those that the last file
  with measurements of that day holds no more are superseded too, and contested. What a cancellation of a day takes back says
  the macro taken_back; where that is unclear the cancellation is quarantined, and what it could mean superseded and contested.

  Only keys that came more than once, or that a snapshot may have dropped, need the ordering: most came once.
#}
{% macro set_aside(relation, entity, has_patient=true, is_numbered=false) -%}
with files as (
    select
        file_no,
        site,
        delivery,
        file_order,
        cells_per_record,
        delivery_mode,
        dense_rank() over (partition by site order by delivery asc) as delivery_order
    from {{ ref('stg_input_file') }}
    where entity = '{{ entity }}'
),

last_snapshot as (
    select site, max(delivery) as delivery
    from files
    where delivery_mode = 'snapshot'
    group by site
),

{% if is_numbered %}{{ taken_back(relation) }}{% endif %}

judged as (
    select
        r.file_no,
        r.record_number,
        {{ 'coalesce(taken_back.record_key, r.record_key) as record_key' if is_numbered else 'r.record_key' }},
        {%- if is_numbered %}
        r.base_key,
        {%- endif %}
        r.content_hash,
        r.is_cancelled,
        r.is_mapped,
        {%- if has_patient %}
        nullif(concat_ws(
            ',',
            r.reasons,
            {%- if is_numbered %}
            case when taken_back.is_unclear then 'unclear_cancellation' end,
            {%- endif %}
            case when not r.is_cancelled and r.has_patient_id and p.patient_no is null then 'unknown_patient' end,
            case when not r.is_cancelled and r.{{ 'judged_to' if entity == 'treatments' else 'judged_on' }} < p.birth_on then 'date_before_birth' end,
            case when not r.is_cancelled and r.judged_on > p.death_on then 'date_after_death' end
        ), '') as reasons
        {%- else %}
        r.reasons
        {%- endif %}
    from {{ relation }} as r
    {%- if has_patient %}
    left join {{ ref('int_patient_dates') }} as p on r.patient_no = p.patient_no
    {%- endif %}
    {%- if is_numbered %}
    left join taken_back on r.file_no = taken_back.file_no and r.record_number = taken_back.record_number
    {%- endif %}
),

{%- if is_numbered %}

-- days of which some file holds several measurements, and the last file that holds any; a cancellation is none
several_a_day as (
    select judged.base_key, max(files.file_order) as last_file_order
    from judged
    inner join files on judged.file_no = files.file_no
    where judged.base_key is not null and not judged.is_cancelled
    group by judged.base_key
    having count(distinct judged.record_key) > 1
),

dropped_keys as (
    select judged.record_key
    from judged
    inner join files on judged.file_no = files.file_no
    inner join several_a_day on judged.base_key = several_a_day.base_key
    group by judged.record_key, several_a_day.last_file_order
    having max(files.file_order) < several_a_day.last_file_order and min(case when judged.is_cancelled then 1 else 0 end) = 0
),

-- measurements that a cancellation may mean, in no later file since
held_keys as (
    select judged.record_key
    from judged
    inner join files on judged.file_no = files.file_no
    inner join unclear_keys on judged.record_key = unclear_keys.record_key
    group by judged.record_key, unclear_keys.file_order
    having max(files.file_order) <= unclear_keys.file_order
),
{%- endif %}

contended_keys as (
    select record_key
    from judged
    where record_key is not null
    group by record_key
    having count(*) > 1
    union
    select judged.record_key
    from judged
    inner join files on judged.file_no = files.file_no
    inner join last_snapshot on files.site = last_snapshot.site
    where judged.record_key is not null and files.delivery < last_snapshot.delivery
    {%- if is_numbered %}
    union
    select record_key from dropped_keys
    union
    select record_key from held_keys
    {%- endif %}
),

contended as (
    select
        judged.*,
        files.site,
        files.delivery,
        files.delivery_mode,
        files.delivery_order,
        row_number() over (
            partition by judged.record_key order by files.file_order asc, judged.record_number asc
        ) as key_order,
        min(case when not judged.is_cancelled then judged.content_hash end)
            over (partition by judged.record_key, judged.file_no)
        <> max(case when not judged.is_cancelled then judged.content_hash end)
            over (partition by judged.record_key, judged.file_no) as is_disputed_file
    from judged
    inner join contended_keys on judged.record_key = contended_keys.record_key
    inner join files on judged.file_no = files.file_no
),

with_conflicts as (
    select
        record_key,
        file_no,
        record_number,
        key_order,
        site,
        delivery,
        delivery_mode,
        delivery_order,
        content_hash,
        is_cancelled,
        is_mapped,
        nullif(concat_ws(
            ',', reasons, case when is_disputed_file and not is_cancelled then 'conflicting_duplicate' end
        ), '') as reasons
    from contended
),

compared as (
    select
        *,
        coalesce(
            reasons is null
            and lag(reasons) over (partition by record_key order by key_order) is null
            and content_hash = lag(content_hash) over (partition by record_key order by key_order)
            -- a key that a snapshot between the two did not hold was withdrawn in the meantime
            and not (
                delivery_mode = 'snapshot'
                and delivery_order > 1 + lag(delivery_order) over (partition by record_key order by key_order)
            ),
            false
        ) as is_duplicate
    from with_conflicts
),

decided as (
    select
        c.*,
        max(case when not c.is_duplicate then c.key_order end) over (partition by c.record_key) as deciding_order,
        coalesce(max(c.delivery) over (partition by c.record_key) < s.delivery, false) as is_withdrawn,
        {%- if is_numbered %}
        case
            when held_keys.record_key is not null then 'unclear_cancellation'
            when dropped_keys.record_key is not null then 'not_in_later_file'
        end as lost_by,
        {%- else %}
        cast(null as {{ dbt.type_string() }}) as lost_by,
        {%- endif %}
        coalesce(max(case when c.reasons is null and c.is_mapped and not c.is_cancelled then 1 end)
            over (partition by c.record_key order by c.key_order rows between unbounded preceding and 1 preceding
            ), 0) = 1 as had_usable_form
    from compared as c
    left join last_snapshot as s on c.site = s.site
    {%- if is_numbered %}
    left join dropped_keys on c.record_key = dropped_keys.record_key
    left join held_keys on c.record_key = held_keys.record_key
    {%- endif %}
),

disposed as (
    select
        file_no,
        record_number,
        record_key,
        is_cancelled,
        reasons,
        lost_by,
        case
            when reasons is not null then 'quarantined'
            when is_duplicate then 'duplicate'
            when key_order < deciding_order or is_withdrawn or lost_by is not null then 'superseded'
            when not is_mapped and not is_cancelled then 'not_mapped'
            else 'current'
        end as disposition,
        key_order = deciding_order and not is_withdrawn and (
            (had_usable_form and (reasons is not null or (not is_mapped and not is_cancelled)))
            or (lost_by is not null and reasons is null and is_mapped and not is_cancelled)
        ) as is_contested
    from decided
    union all
    select
        judged.file_no,
        judged.record_number,
        judged.record_key,
        judged.is_cancelled,
        judged.reasons,
        cast(null as {{ dbt.type_string() }}) as lost_by,
        case when judged.reasons is not null then 'quarantined' else 'not_mapped' end as disposition,
        false as is_contested
    from judged
    left join contended_keys on judged.record_key = contended_keys.record_key
    where
        contended_keys.record_key is null
        and (judged.reasons is not null or (not judged.is_mapped and not judged.is_cancelled))
)

select
    '{{ entity }}' as entity,
    file_no,
    record_number,
    record_key,
    is_cancelled,
    disposition,
    reasons,
    lost_by,
    is_contested
from disposed
where disposition <> 'current'
{%- endmacro %}
