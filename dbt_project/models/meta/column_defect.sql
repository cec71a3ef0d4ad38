/*
Grain: site x delivery x entity x file x column x reason, with the number of emptied cells in current rows. A partial
start_date of a G-CSF line counts here too: it is kept, but gives no dose.
*/
with optional_columns as (
    {% for column in [
        'birth_date', 'sex', 'ms_phenotype', 'ms_onset_date', 'last_contact_date', 'death_date', 'duffy_null', 'status',
        'start_date', 'end_date', 'end_reason', 'administered_until', 'dose', 'specimen_id', 'reference_low', 'reference_high',
        'reviewed_on'
    ] %}
    select '{{ column }}' as column_name{{ " union all" if not loop.last }}
    {% endfor %}
)

select
    files.site,
    files.delivery,
    files.entity,
    files.file_id as source_file,
    optional_columns.column_name,
    reasons.reason,
    count(*) as n_cells
from {{ ref('int_column_defect') }} as defects
inner join {{ ref('stg_input_file') }} as files on defects.file_no = files.file_no
cross join optional_columns
inner join {{ ref('quarantine_reasons') }} as reasons
    on
        concat(',', defects.cell_defects, ',')
        like concat('%,', optional_columns.column_name, ':', reasons.reason, ',%')
group by
    files.site, files.delivery, files.entity, files.file_id, optional_columns.column_name, reasons.reason
