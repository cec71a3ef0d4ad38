/*
Grain: a delivered file in one version, by id (file names stay in the vault). is_current: the version now in force.
is_retracted: its place is retracted, so that it counts nowhere, whatever its version.
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
