{{ config(materialized='view') }}
/*
Grain: site x with_bands. Reported bands can be read in two ways, added to the neutrophils or not; the site profile says
whether the neutrophil percentage includes them already (neutrophils_pct_includes_bands in site.yml).
*/
select
    sites.site,
    sites.includes_bands,
    readings.with_bands
from (
    select site, max(case when neutrophils_pct_includes_bands then 1 else 0 end) = 1 as includes_bands
    from {{ ref('stg_input_file') }}
    group by site
) as sites
cross join (
    select true as with_bands
    union all
    select false as with_bands
) as readings
