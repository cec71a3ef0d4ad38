{{ config(materialized='view') }}
/*
Grain: an ANC result and one record it rests on: its own, or the up to three that it is derived from.
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
)

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
