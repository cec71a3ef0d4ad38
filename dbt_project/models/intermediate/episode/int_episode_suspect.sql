/*
Grain: definition x patient x episode before whose onset another drug that lowers neutrophils was given, with these drugs,
each once. Which count: int_episode_suspect_given.
*/
with found as (
    select distinct episode_id, drug
    from {{ ref('int_episode_suspect_given') }}
)

select
    episode_id,
    {{ dbt.listagg('drug', "', '", 'order by drug') }} as other_suspect_drugs
from found
group by episode_id
