/*
Grain: a cell of a current row that was emptied, with the reason. Judged here: what depends on the patient's dates (an end
before birth or after death); the rest is judged with its row.
*/
with rows_with_defects as (
    {% for name in ['treatment', 'clinical_event'] %}
    select
        r.file_no,
        r.record_number,
        nullif(concat_ws(
            ',',
            r.cell_defects,
            case when r.end_to_sent < p.birth_on then 'end_date:date_before_birth' end,
            case when r.end_from_sent > p.death_on then 'end_date:date_after_death' end
        ), '') as cell_defects
    from ({{ current_rows(ref('stg_' ~ name), ref('int_' ~ name ~ '_set_aside')) }}) as r
    inner join {{ ref('int_patient_dates') }} as p on r.patient_no = p.patient_no
    union all
    {% endfor %}
    select
        r.file_no,
        r.record_number,
        nullif(concat_ws(
            ',',
            r.cell_defects,
            case when r.until_sent > p.death_on then 'administered_until:date_after_death' end
        ), '') as cell_defects
    from ({{ current_rows(ref('stg_administration'), ref('int_administration_set_aside')) }}) as r
    inner join {{ ref('int_patient_dates') }} as p on r.patient_no = p.patient_no
    union all
    {% for name in ['patient', 'lab_result', 'adjudication'] %}
    select r.file_no, r.record_number, r.cell_defects
    from ({{ current_rows(ref('stg_' ~ name), ref('int_' ~ name ~ '_set_aside')) }}) as r
    where r.cell_defects is not null
    {{ "union all" if not loop.last }}
    {% endfor %}
)

select file_no, record_number, cell_defects
from rows_with_defects
where cell_defects is not null
