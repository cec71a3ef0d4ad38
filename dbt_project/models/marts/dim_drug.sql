/* Grain: a drug that the registry knows, as in the seed. */
select
    drug,
    drug_class,
    cast(interval_days as integer) as interval_days,
    cast(home_injected as boolean) as home_injected,
    atc,
    cast(neutropenia_risk as boolean) as neutropenia_risk,
    source
from {{ ref('drugs') }}
