{{ config(materialized='view') }}
/*
Grain: a dose and one record it rests on: every record of that day; of a dose set or assumed from a line the line's record; of
a day of a G-CSF course each record of a course that holds it.
*/
select dose.patient_no, dose.drug, dose.administered_on, records.file_no, records.record_number
from {{ ref('int_dose') }} as dose
inner join {{ ref('int_current_administration') }} as records
    on
        dose.patient_no = records.patient_no
        and dose.drug = records.drug
        and dose.administered_on = records.administered_on
        and records.is_given
where dose.dose_source = 'recorded'
union all
select dose.patient_no, dose.drug, dose.administered_on, line.file_no, line.record_number
from {{ ref('int_dose') }} as dose
inner join {{ ref('int_treatment_line') }} as line
    on
        dose.patient_no = line.patient_no
        and dose.drug = line.drug
        and (
            (dose.dose_source = 'line_start' and dose.administered_on = line.start_on)
            or (
                dose.dose_source = 'assumed'
                and not line.end_unknown
                and dose.administered_on > line.start_on
                and dose.administered_on <= coalesce(line.end_on, line.observation_end)
            )
        )
union all
select dose.patient_no, dose.drug, dose.administered_on, course.file_no, course.record_number
from {{ ref('int_dose') }} as dose
inner join {{ ref('int_gcsf_course_day') }} as course
    on
        dose.patient_no = course.patient_no
        and dose.drug = course.drug
        and dose.administered_on = course.administered_on
where dose.dose_source = 'course'
