/*
Grain: something a trace can lead to (an ANC result, a dose, a line, a clinical event, a chart review, a patient, a last
contact) x a record behind it, by file id and record number. Behind a derived ANC are up to three records, behind a dose
all records of that day, behind a dose taken or assumed from a line the line's record. The last contact is included only
for patients whose treatment action depends on it.
*/
{%- set no_key = 'cast(null as varchar)' %}
with others as (
    select
        'dose' as record_of,
        {{ no_key }} as record_key,
        patient_no,
        drug,
        administered_date,
        file_no,
        record_number
    from {{ ref('int_dose_record') }}
    union all
    select
        'line' as record_of,
        {{ key_text('record_key') }} as record_key,
        patient_no,
        drug,
        cast(null as date) as administered_date,
        file_no,
        record_number
    from {{ ref('int_treatment_line') }}
    {%- for record_of, relation, key in [
        ('event', ref('int_clinical_event'), key_text('record_key')),
        ('adjudication', ref('int_current_adjudication'), key_text('record_key')),
        ('patient', ref('int_patient'), no_key),
        ('contact', ref('int_contact_record'), no_key),
    ] %}
    union all
    select
        '{{ record_of }}' as record_of,
        {{ key }} as record_key,
        patient_no,
        {{ no_key }} as drug,
        cast(null as date) as administered_date,
        file_no,
        record_number
    from {{ relation }}
    {%- endfor %}
)

select
    'anc' as record_of,
    {{ key_text('records.anc_record_key') }} as anc_key,
    {{ no_key }} as record_key,
    patient.patient_key,
    {{ no_key }} as drug,
    cast(null as date) as administered_on,
    records.file_id as source_file,
    records.record_number,
    records.part,
    records.part_value
from {{ ref('int_anc_record') }} as records
inner join {{ ref('int_observed_patient') }} as patient on records.patient_no = patient.patient_no
union all
select
    others.record_of,
    {{ no_key }} as anc_key,
    others.record_key,
    patient.patient_key,
    others.drug,
    others.administered_date as administered_on,
    files.file_id as source_file,
    {{ record_in_file('others.record_number', 'files.cells_per_record') }} as record_number,
    {{ no_key }} as part,
    cast(null as decimal(18, 6)) as part_value
from others
inner join {{ ref('int_observed_patient') }} as patient on others.patient_no = patient.patient_no
inner join {{ ref('stg_input_file') }} as files on others.file_no = files.file_no
