{{ config(materialized='view') }}
/*
Grain: a dose x a record behind it: every record of that day; for a dose taken or assumed from a line, the line's record; for
a day of a G-CSF course, each record of a course that includes that day.
*/
select dose.patient_no, dose.drug, dose.administered_date, records.file_no, records.record_number
from {{ ref('int_dose') }} as dose
inner join {{ ref('int_current_administration') }} as records
    on
        dose.patient_no = records.patient_no
        and dose.drug = records.drug
        and dose.administered_date = records.administered_date
        and records.is_given
where dose.dose_source = 'recorded'
union all
select dose.patient_no, dose.drug, dose.administered_date, line.file_no, line.record_number
from {{ ref('int_dose') }} as dose
inner join {{ ref('int_treatment_line') }} as line
    on
        dose.patient_no = line.patient_no
        and dose.drug = line.drug
        and (
            (dose.dose_source = 'line_start' and dose.administered_date = line.start_date)
            or (
                dose.dose_source = 'assumed'
                and not line.end_unknown
                and dose.administered_date > line.start_date
                and dose.administered_date <= coalesce(line.end_date, line.observation_end)
            )
        )
union all
select dose.patient_no, dose.drug, dose.administered_date, course.file_no, course.record_number
from {{ ref('int_dose') }} as dose
inner join {{ ref('int_gcsf_course_day') }} as course
    on
        dose.patient_no = course.patient_no
        and dose.drug = course.drug
        and dose.administered_date = course.administered_date
where dose.dose_source = 'course'
