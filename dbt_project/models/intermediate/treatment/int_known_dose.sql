/*
Grain: a known dose, not an assumed one: recorded, or at the start of a line.
Rules: an anti-CD20 line without a recorded dose of its drug within 30 days after its start gets one at its start
(line_start); a partial start can be any of its days. Each day of a G-CSF course counts as a dose (course).
*/
with line_starts as (
    select distinct line.patient_no, line.drug, line.start_date as administered_date
    from {{ ref('int_treatment_line') }} as line
    left join {{ ref('int_recorded_dose') }} as dose
        on
            line.patient_no = dose.patient_no
            and line.drug = dose.drug
            and dose.administered_date >= line.start_date
            and {{ days_between('line.start_to', 'dose.administered_date') }} <= {{ fixed_windows().line_start_days }}
    where line.drug_class = 'anti_cd20' and dose.patient_no is null
)

select patient_no, drug, drug_class, administered_date, 'recorded' as dose_source, 1 as source_order
from {{ ref('int_recorded_dose') }}
union all
select patient_no, drug, 'anti_cd20' as drug_class, administered_date, 'line_start' as dose_source, 2 as source_order
from line_starts
union all
select distinct patient_no, drug, 'gcsf' as drug_class, administered_date, 'course' as dose_source, 2 as source_order
from {{ ref('int_gcsf_course_day') }}
