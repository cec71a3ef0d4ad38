/*
Grain: definition x patient x episode before whose onset another drug that lowers neutrophils was given, with these drugs,
each once. Which count: int_episode_suspect_given.
*/
with found as (
    select distinct definition_id, patient_no, episode_number, drug
    from {{ ref('int_episode_suspect_given') }}
)

select
    definition_id,
    patient_no,
    episode_number,
    {{ dbt.listagg('drug', "', '", 'order by drug') }} as other_suspect_drugs
from found
group by definition_id, patient_no, episode_number
