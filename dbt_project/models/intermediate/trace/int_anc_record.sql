{{ config(materialized='view') }}
/*
Grain: an ANC result x a record behind it: its own, or one of up to three from which it was derived. For a derived
result, part says which part the record gives, and part_value the value used in the calculation (10^9/L or %).
*/
with derived_parts as (
    {% for part in ['first', 'second', 'third'] %}
    select
        {{ derived_key('derived.first_part_key', 'derived.second_part_key') }} as anc_record_key,
        derived.patient_no,
        counts.file_no,
        counts.record_number,
        counts.analyte,
        counts.canonical_value
    from {{ ref('int_derived_anc') }} as derived
    inner join {{ ref('int_blood_count') }} as counts on derived.{{ part }}_part_key = counts.record_key
    {{ "union all" if not loop.last }}
    {% endfor %}
)

select
    anc.anc_record_key,
    anc.patient_no,
    files.file_id,
    {{ record_in_file('counts.record_number', 'files.cells_per_record') }} as record_number,
    cast(null as varchar) as part,
    cast(null as decimal(18, 6)) as part_value
from {{ ref('int_anc') }} as anc
inner join {{ ref('int_blood_count') }} as counts on anc.anc_record_key = counts.record_key
inner join {{ ref('stg_input_file') }} as files on counts.file_no = files.file_no
where anc.derivation = 'measured'
union all
select
    parts.anc_record_key,
    parts.patient_no,
    files.file_id,
    {{ record_in_file('parts.record_number', 'files.cells_per_record') }} as record_number,
    parts.analyte as part,
    cast(parts.canonical_value as decimal(18, 6)) as part_value
from derived_parts as parts
inner join {{ ref('stg_input_file') }} as files on parts.file_no = files.file_no
