/*
Grain: one version of a delivered file, by id (file names stay in the vault). is_current: it is the current version.
is_retracted: its place is retracted, so no version of it counts anywhere.
*/
select
    file_id,
    site,
    delivery,
    entity,
    format,
    sha256,
    cast(n_rows as bigint) as n_rows,
    is_current,
    is_retracted
from {{ ref('stg_file_version') }}
