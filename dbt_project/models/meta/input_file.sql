/*
Grain: a delivered file in one version, by id (file names stay in the vault). is_current: the version now in force.
*/
select
    file_id,
    site,
    delivery,
    entity,
    format,
    sha256,
    cast(n_rows as bigint) as n_rows,
    is_current
from {{ source('vault', 'input_file') }}
