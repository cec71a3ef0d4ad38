{{ config(materialized='view') }}
/*
Grain: a patient whose last documented contact decided a treatment action, with one record of that day. If there are
several: laboratory results before administrations, events, lines and the patient's own row, then in the order of files.
*/
with wanted as (
    select distinct patient_no, follow_up_end
    from {{ ref('int_treatment_action') }}
    where decided_by in ('line_goes_on', 'last_contact')
),

contacts as (
    select patient_no, collected_date as contact_date, 1 as preference, file_no, record_number
    from {{ ref('int_current_lab_result') }}
    union all
    select patient_no, administered_date as contact_date, 2 as preference, file_no, record_number
    from {{ ref('int_current_administration') }}
    where is_given
    union all
    select patient_no, onset_date as contact_date, 3 as preference, file_no, record_number
    from {{ ref('int_clinical_event') }}
    union all
    select patient_no, start_date as contact_date, 4 as preference, file_no, record_number
    from {{ ref('int_treatment_line') }}
    union all
    select patient_no, last_contact_date as contact_date, 5 as preference, file_no, record_number
    from {{ ref('int_patient') }}
),

ranked as (
    select
        wanted.patient_no,
        contacts.file_no,
        contacts.record_number,
        row_number() over (
            partition by wanted.patient_no
            order by contacts.preference asc, files.file_order asc, contacts.record_number asc
        ) as rank_of_record
    from wanted
    inner join contacts on wanted.patient_no = contacts.patient_no and wanted.follow_up_end = contacts.contact_date
    inner join {{ ref('stg_input_file') }} as files on contacts.file_no = files.file_no
)

select patient_no, file_no, record_number
from ranked
where rank_of_record = 1
