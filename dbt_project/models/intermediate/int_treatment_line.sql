/*
Grain: a line of disease-modifying therapy that started by the end of observation.
Rule: an end after the end of observation (or after death) reads as open.
*/
with lines as (
    {{ current_rows(ref('stg_treatment'), ref('int_treatment_set_aside')) }}
)

select
    lines.record_key,
    lines.file_no,
    lines.record_number,
    lines.patient_no,
    patient.patient_key,
    lines.drug,
    drugs.drug_class,
    drugs.interval_days,
    coalesce(drugs.home_injected, false) as home_injected,
    lines.start_on,
    case when lines.end_on <= patient.observation_end then lines.end_on end as end_on,
    case when lines.end_on is null or lines.end_on <= patient.observation_end then lines.end_reason end as end_reason,
    patient.observation_end
from lines
inner join {{ ref('int_observed_patient') }} as patient on lines.patient_no = patient.patient_no
inner join {{ ref('drugs') }} as drugs on lines.drug = drugs.drug
where lines.start_on <= patient.observation_end
