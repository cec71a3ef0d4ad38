/*
Grain: a day of a G-CSF course x the record it comes from, up to the end of observation.
Rule: a G-CSF line counts as given on each day from its start to its end, at most 14 days; without an end, or with an unknown
one, only on its start. An administration counts in the same way up to its last day (administered_until, which no death
contradicts). Partial dates give no dose: a line with a partial start has no day here, a partial end reaches its first day.
*/
with courses as (
    select
        patient_no,
        drug,
        start_date as first_date,
        greatest(start_date, coalesce(end_from, start_date)) as last_date,
        file_no,
        record_number
    from {{ ref('int_treatment_line') }}
    where drug_class = 'gcsf' and start_date = start_to
    union all
    select
        administrations.patient_no,
        administrations.drug,
        administrations.administered_date as first_date,
        administrations.administered_until as last_date,
        administrations.file_no,
        administrations.record_number
    from {{ ref('int_current_administration') }} as administrations
    inner join {{ ref('int_observed_patient') }} as patient on administrations.patient_no = patient.patient_no
    where
        administrations.is_given
        and administrations.administered_until is not null
        and coalesce(administrations.administered_until <= patient.death_date, true)
)

select
    courses.patient_no,
    courses.drug,
    {{ add_days('courses.first_date', 'cast(numbers.number - 1 as integer)') }} as administered_date,
    courses.file_no,
    courses.record_number
from courses
inner join {{ ref('int_observed_patient') }} as patient on courses.patient_no = patient.patient_no
inner join {{ ref('int_number') }} as numbers
    on
        numbers.number <= {{ fixed_windows().gcsf_course_days }}
        and {{ days_between('courses.first_date', 'courses.last_date') }} >= numbers.number - 1
        and {{ days_between('courses.first_date', 'patient.observation_end') }} >= numbers.number - 1
