/*
Grain: a site with results that are not mapped because their test code is not in any list. Only counts: the codes
themselves stay in the vault.
*/
select
    site,
    count(distinct test_code) as n_codes,
    count(*) as n_rows,
    count(distinct case when is_neutrophil_like then test_code end) as n_neutrophil_like_codes,
    count(case when is_neutrophil_like then 1 end) as n_neutrophil_like_rows
from {{ ref('int_unmapped_test') }}
group by site
