/*
Grain: a line of disease-modifying therapy that started by the end of observation.
Rule: a line that ends after the end of observation (or after death) counts as open; if the patient died within a partial end,
the line ends on the day of death. end_unknown: the line has ended, but nobody knows when. end_from: the end, or the first
day of a partial end, also after the end of observation.
*/
with ended as (
    select
        lines.record_key,
        lines.file_no,
        lines.record_number,
        lines.patient_no,
        patient.patient_key,
        lines.drug,
        lines.start_date,
        lines.start_to,
        case when coalesce(lines.end_from <= patient.death_date, true) then lines.end_from end as end_from,
        case when lines.end_from <= patient.death_date then least(lines.end_date, patient.death_date) else lines.end_date end
            as end_date,
        lines.end_unknown,
        lines.end_reason,
        patient.observation_end
    from {{ ref('int_current_treatment') }} as lines
    inner join {{ ref('int_observed_patient') }} as patient on lines.patient_no = patient.patient_no
    where lines.start_date <= patient.observation_end
)

select
    ended.record_key,
    ended.file_no,
    ended.record_number,
    ended.patient_no,
    ended.patient_key,
    ended.drug,
    drugs.drug_class,
    drugs.interval_days,
    coalesce(drugs.home_injected, false) as home_injected,
    ended.start_date,
    ended.start_to,
    ended.end_from,
    case when ended.end_date <= ended.observation_end then ended.end_date end as end_date,
    ended.end_unknown,
    case when ended.end_date is null or ended.end_date <= ended.observation_end then ended.end_reason end as end_reason,
    ended.observation_end
from ended
inner join {{ ref('drugs') }} as drugs on ended.drug = drugs.drug
