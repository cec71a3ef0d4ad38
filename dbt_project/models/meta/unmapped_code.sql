/*
Grain: a site with results that are not mapped because their test's code is in no list. Counts alone: what the codes are
stays in the vault.
*/
select
    site,
    count(distinct test_code) as n_codes,
    count(*) as n_rows,
    count(distinct case when is_neutrophil_like then test_code end) as n_neutrophil_like_codes,
    count(case when is_neutrophil_like then 1 end) as n_neutrophil_like_rows
from {{ ref('int_unmapped_test') }}
group by site
