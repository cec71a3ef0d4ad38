/*
Grain: a file in its current version. Every delivered row counts once: current, superseded, duplicate, quarantined,
not mapped, erased or retracted.
rows_delivered is the ledger's count from the load; the others are counted in the models, so that a lost row is noticed.
rows_cancelled: rows in rows_current that cancel a record. The gate uses them to tell a withdrawal from a loss.
rows_not_given: rows in rows_current that say that nothing was given (administrations only).
rows_open: rows in rows_quarantined that are open (int_quarantined_row).
*/
{%- set entities = {
    'patients': 'patient', 'treatments': 'treatment', 'administrations': 'administration',
    'lab_results': 'lab_result', 'clinical_events': 'clinical_event', 'adjudications': 'adjudication'
} %}
with rows_read as (
    {% for name in entities.values() %}
    select file_no, count(*) as n_rows
    from {{ ref('stg_' ~ name) }}
    group by file_no
    {{ "union all" if not loop.last }}
    {% endfor %}
),

-- a cancellation that decides for its key is current, because the registry follows it
rows_unused as (
    select
        file_no,
        sum(case when disposition <> 'cancelled' then 1 else 0 end) as rows_not_current,
        {%- for disposition in ['superseded', 'duplicate', 'quarantined', 'not_mapped', 'cancelled'] %}
        sum(case when disposition = '{{ disposition }}' then 1 else 0 end) as rows_{{ disposition }}{{ "," if not loop.last }}
        {%- endfor %}
    from {{ ref('int_row_disposition') }}
    group by file_no
),

rows_open as (
    select file_no, sum(case when is_open then 1 else 0 end) as n_rows
    from {{ ref('int_quarantined_row') }}
    group by file_no
),

nothing_given as (
    select file_no, count(*) as n_rows
    from {{ ref('int_current_administration') }}
    where not is_given
    group by file_no
),

-- rows of forgotten patients: the rows are gone, only their number per file is kept
rows_gone as (
    select file_no, sum(n_rows) as n_rows
    from {{ source('vault', 'erased') }}
    group by file_no
),

-- rows still in raw from current files at a retracted place
rows_retracted as (
    {% for entity in entities %}
    select retracted.file_no, count(*) as n_rows
    from {{ source('raw', entity) }} as retracted
    inner join {{ ref('stg_file_version') }} as files on retracted.file_no = files.file_no
    where files.is_current and files.is_retracted
    group by retracted.file_no
    {{ "union all" if not loop.last }}
    {% endfor %}
)

select
    files.site,
    files.delivery,
    files.entity,
    files.file_id as source_file,
    cast(files.n_rows as bigint) as rows_delivered,
    cast(coalesce(rows_read.n_rows, 0) - coalesce(unused.rows_not_current, 0) as bigint) as rows_current,
    cast(coalesce(unused.rows_superseded, 0) as bigint) as rows_superseded,
    cast(coalesce(unused.rows_duplicate, 0) as bigint) as rows_duplicate,
    cast(coalesce(unused.rows_quarantined, 0) as bigint) as rows_quarantined,
    cast(coalesce(unused.rows_not_mapped, 0) as bigint) as rows_not_mapped,
    cast(coalesce(rows_retracted.n_rows, 0) as bigint) as rows_retracted,
    cast(coalesce(rows_gone.n_rows, 0) as bigint) as rows_erased,
    cast(coalesce(unused.rows_cancelled, 0) as bigint) as rows_cancelled,
    cast(coalesce(nothing_given.n_rows, 0) as bigint) as rows_not_given,
    cast(coalesce(rows_open.n_rows, 0) as bigint) as rows_open
from {{ ref('stg_file_version') }} as files
left join rows_read on files.file_no = rows_read.file_no
left join rows_unused as unused on files.file_no = unused.file_no
left join rows_gone on files.file_no = rows_gone.file_no
left join rows_open on files.file_no = rows_open.file_no
left join nothing_given on files.file_no = nothing_given.file_no
left join rows_retracted on files.file_no = rows_retracted.file_no
where files.is_current
