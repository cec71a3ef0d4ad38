/*
Grain: a delivered file that counts (the current version at its place, unless it is retracted). File names stay in the
vault.
Rule: rows are ordered by delivery month, file name and record number, never by the time of loading;
file_order orders files by the first two.
*/
with files as (
    select * from {{ ref('stg_file_version') }}
    where is_current and not is_retracted
)

select
    f.file_no,
    f.file_id,
    f.site,
    f.delivery,
    f.entity,
    f.n_rows,
    -- a wide file numbers its cells; this is the number of cells per record (macro record_in_file)
    f.cells_per_record,
    -- whether the registry composed the keys of this file's records (macro base_key)
    coalesce(f.keys_composed, false) as keys_composed,
    f.sha256,
    cast({{ last_day_of_month('f.delivery') }} as date) as delivery_end,
    row_number() over (order by f.delivery, f.path, f.site, f.entity) as file_order,
    -- also for typed cells: the load writes numbers from Excel or Parquet with the site's own decimal mark
    {{ plain_characters("coalesce(s.decimal_mark, '.')") }} as decimal_mark,
    {{ plain_characters('s.thousands_mark') }} as thousands_mark,
    coalesce(s.time_zone, study.time_zone) as time_zone,
    s.flags_before,
    s.flags_behind,
    no_value.missing_words,
    coalesce(s.mode, 'delta') as delivery_mode,
    coalesce(s.neutrophils_pct_includes_bands, false) as neutrophils_pct_includes_bands
from files as f
left join {{ source('config', 'site') }} as s on f.site = s.site
left join (
    -- words for "no value", each between two separators, so that a search finds whole words only
    select site, chr(31) || string_agg(lower(local_code), chr(31)) || chr(31) as missing_words
    from {{ source('config', 'code_map') }}
    where kind = 'missing'
    group by site
) as no_value on f.site = no_value.site
cross join {{ source('config', 'study') }} as study
