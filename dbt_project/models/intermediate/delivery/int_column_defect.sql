/*
Grain: an emptied cell of a current row, with the reason. Only what depends on the patient's dates is judged here (an end
before birth or after death); the rest is judged with its row.
*/
{%- set ends = {
    'treatment': ['end_date', 'r.end_from_sent', 'r.end_to_sent'],
    'clinical_event': ['end_date', 'r.end_from_sent', 'r.end_to_sent'],
    'administration': ['administered_until', 'r.until_sent', 'null'],
} %}
with current_rows as (
    {% for name in ['treatment', 'clinical_event', 'administration', 'patient', 'lab_result', 'adjudication'] %}
    {%- set column, first, last = ends.get(name, ['', 'null', 'null']) %}
    select
        r.file_no,
        r.record_number,
        r.patient_no,
        r.cell_defects,
        '{{ column }}' as end_column,
        cast({{ first }} as date) as end_from,
        cast({{ last }} as date) as end_to
    from {{ ref('int_patient' if name == 'patient' else 'int_current_' ~ name) }} as r
    {{ "where r.cell_defects is not null" if not column }}
    {{ "union all" if not loop.last }}
    {% endfor %}
),

with_patient as (
    select
        r.file_no,
        r.record_number,
        nullif(concat_ws(
            ',',
            r.cell_defects,
            case when r.end_to < p.birth_date then concat(r.end_column, ':date_before_birth') end,
            case when r.end_from > p.death_date then concat(r.end_column, ':date_after_death') end
        ), '') as cell_defects
    from current_rows as r
    left join {{ ref('int_current_patient') }} as p on r.patient_no = p.patient_no
)

select file_no, record_number, cell_defects
from with_patient
where cell_defects is not null
