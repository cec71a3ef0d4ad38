/*
Grain: definition x case (a patient with a case episode). From the first case episode: drug, onset type. From all: number,
lowest nadir and its severity (NULL if that nadir is a bound that leaves it open, even if another's is known and milder),
G-CSF, recurrence. From the last: treatment action and next drug.
possibly_severe: no episode is certainly severe, but one has a nadir whose bound leaves it open (int_episode_final).
*/
with case_episodes as (
    select
        *,
        row_number() over (
            partition by definition_id, patient_key order by episode_number asc
        ) as from_first,
        row_number() over (
            partition by definition_id, patient_key order by episode_number desc
        ) as from_last,
        row_number() over (
            partition by definition_id, patient_key
            order by nadir asc, {{ operator_order('nadir_operator') }} asc, episode_number asc
        ) as from_lowest
    from {{ ref('int_episode_final') }}
    where is_case_episode
)

select
    definition_id,
    patient_key,
    max(site) as site,
    max(case when from_first = 1 then attributed_drug end) as drug,
    max(case when from_first = 1 then onset_date end) as first_onset_date,
    cast(count(*) as integer) as n_episodes,
    max(case when from_lowest = 1 then severity end) as worst_severity,
    max(case when from_lowest = 1 then ctcae_v5_grade end) as worst_ctcae_v5_grade,
    max(case when from_lowest = 1 then nadir end) as nadir_anc_10e9_l,
    max(case when from_lowest = 1 then nadir_operator end) as nadir_operator,
    max(case when is_severe then 1 else 0 end) = 0
    and max(case when possibly_severe then 1 else 0 end) = 1 as possibly_severe,
    max(case when from_first = 1 then onset_type end) as onset_type,
    cast(max(case when from_first = 1 then days_since_last_dose end) as integer) as days_since_last_dose,
    max(case when gcsf_treated then 1 else 0 end) = 1 as gcsf_treated,
    max(case when infection then 1 else 0 end) = 1 as infection,
    max(case when hospitalised then 1 else 0 end) = 1 as hospitalised,
    max(case when recurrence_number >= 1 then 1 else 0 end) = 1 as recurred,
    max(case when from_last = 1 then treatment_action end) as final_treatment_action,
    max(case when from_last = 1 then next_drug end) as next_drug
from case_episodes
group by definition_id, patient_key
