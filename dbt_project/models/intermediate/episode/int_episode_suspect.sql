/*
Grain: definition x patient x episode with other drugs that lower neutrophils given before its onset, and a list of these
drugs, each once. int_episode_suspect_given decides which count.
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
