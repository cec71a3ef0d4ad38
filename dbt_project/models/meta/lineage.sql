/*
Grain: an ANC result or a dose, and one record it rests on (a derived ANC rests on up to three, a dose on every record
of that day, a dose set or assumed from a line on the line's record), by file id and record number.
*/
with derived_parts as (
    {% for part in ['first', 'second', 'third'] %}
    select
        {{ derived_key('derived.first_part_key', 'derived.second_part_key') }} as anc_record_key,
        derived.patient_no,
        counts.file_no,
        counts.record_number
    from {{ ref('int_derived_anc') }} as derived
    inner join {{ ref('int_blood_count') }} as counts on derived.{{ part }}_part_key = counts.record_key
    {{ "union all" if not loop.last }}
    {% endfor %}
),

anc_records as (
    select
        anc.anc_record_key,
        anc.patient_no,
        files.file_id,
        {{ record_in_file('counts.record_number', 'files.cells_per_record') }} as record_number
    from {{ ref('int_anc') }} as anc
    inner join {{ ref('int_blood_count') }} as counts on anc.anc_record_key = counts.record_key
    inner join {{ ref('stg_input_file') }} as files on counts.file_no = files.file_no
    where anc.derivation = 'measured'
    union all
    -- the parts of one derived ANC may stand in one record of a wide file
    select distinct
        parts.anc_record_key,
        parts.patient_no,
        files.file_id,
        {{ record_in_file('parts.record_number', 'files.cells_per_record') }} as record_number
    from derived_parts as parts
    inner join {{ ref('stg_input_file') }} as files on parts.file_no = files.file_no
),

administrations as (
    {{ current_rows(ref('stg_administration'), ref('int_administration_set_aside')) }}
),

dose_records as (
    select dose.patient_no, dose.drug, dose.administered_on, records.file_no, records.record_number
    from {{ ref('int_dose') }} as dose
    inner join administrations as records
        on
            dose.patient_no = records.patient_no
            and dose.drug = records.drug
            and dose.administered_on = records.administered_on
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
                    and dose.administered_on > line.start_on
                    and dose.administered_on <= coalesce(line.end_on, line.observation_end)
                )
            )
)

select
    'anc' as record_of,
    {{ key_text('anc_records.anc_record_key') }} as anc_key,
    patient.patient_key,
    cast(null as varchar) as drug,
    cast(null as date) as administered_on,
    anc_records.file_id as source_file,
    anc_records.record_number
from anc_records
inner join {{ ref('int_observed_patient') }} as patient on anc_records.patient_no = patient.patient_no
union all
select
    'dose' as record_of,
    cast(null as varchar) as anc_key,
    patient.patient_key,
    dose_records.drug,
    dose_records.administered_on,
    files.file_id as source_file,
    dose_records.record_number
from dose_records
inner join {{ ref('int_observed_patient') }} as patient on dose_records.patient_no = patient.patient_no
inner join {{ ref('stg_input_file') }} as files on dose_records.file_no = files.file_no
