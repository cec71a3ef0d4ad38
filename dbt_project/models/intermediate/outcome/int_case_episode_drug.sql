/*
Grain: definition x case episode, with the drug it belongs to. drug: that of the last dose before onset, as in the main
analysis. drug_by_late_effect: after a switch, the previous drug if the onset is within attribution_days after its last
dose.
*/
select
    episode.episode_id,
    episode.definition_id,
    episode.patient_no,
    episode.attributed_drug as drug,
    case
        when {{ days_between('days.previous_drug_date', 'episode.onset_date') }} <= definitions.attribution_days
            then days.previous_drug
        else episode.attributed_drug
    end as drug_by_late_effect,
    row_number() over (
        partition by episode.definition_id, episode.patient_no order by episode.episode_number asc
    ) = 1 as is_first,
    max(case when episode.recurrence_number >= 1 then 1 else 0 end) over (
        partition by episode.definition_id, episode.patient_no
    ) = 1 as patient_recurred
from {{ ref('int_episode_final') }} as episode
inner join {{ ref('int_case_definition') }} as definitions on episode.definition_id = definitions.definition_id
inner join {{ ref('int_anti_cd20_day') }} as days
    on episode.patient_no = days.patient_no and episode.last_dose_date = days.dose_date
where episode.is_case_episode
