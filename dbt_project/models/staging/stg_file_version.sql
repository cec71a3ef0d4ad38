{{ config(materialized='view') }}
/*
Grain: one version of a delivered file. A view over the vault, never stored: it holds file names.
Rule: every version of a file at a retracted place is retracted until the retraction is undone. A retraction without a
path covers the whole month.
*/
with retracted as (
    select distinct files.file_no
    from {{ source('vault', 'input_file') }} as files
    inner join {{ source('vault', 'retraction') }} as places
        on
            files.site = places.site
            and files.delivery = places.delivery
            and (places.path is null or files.path = places.path)
)

select files.*, retracted.file_no is not null as is_retracted
from {{ source('vault', 'input_file') }} as files
left join retracted on files.file_no = retracted.file_no
