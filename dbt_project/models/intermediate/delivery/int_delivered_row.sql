{{ config(materialized='view') }}
{%- set entities = ['patient', 'treatment', 'administration', 'lab_result', 'clinical_event', 'adjudication'] %}
{%- set numbered = ['administration', 'lab_result', 'clinical_event'] %}
/*
Grain: a delivered row of any entity, good or bad, with the columns that decide its disposition (int_row_disposition).
A view, never stored: it holds patients' dates of birth and death.
record_key: if the row cancels a measurement of a day, the key of that measurement (int_taken_back).
first_date, last_date: the first and last day that the row's date can mean; for a patient, birth and death.
names_patient: the row refers to a patient, who must be known. A cancelled row needs only its key.
*/
with cancellations as (
    select distinct file_no, record_number, is_unclear, case when not is_unclear then measured_key end as measured_key
    from {{ ref('int_taken_back') }}
)

{% for name in entities %}
select
    r.file_no,
    r.record_number,
    {{ 'coalesce(cancellations.measured_key, r.record_key) as record_key' if name in numbered else 'r.record_key' }},
    {{ 'r.base_key' if name in numbered else 'null as base_key' }},
    r.content_hash,
    r.patient_no,
    {{ 'false' if name == 'patient' else 'r.has_patient_id and not r.is_cancelled' }} as names_patient,
    r.is_cancelled,
    r.is_mapped,
    {{ 'r.birth_date' if name == 'patient' else 'r.judged_date' }} as first_date,
    r.{{ {'patient': 'death_date', 'treatment': 'judged_to'}[name] | default('judged_date') }} as last_date,
    {%- if name in numbered %}
    nullif(concat_ws(',', r.reasons, case when cancellations.is_unclear then 'unclear_cancellation' end), '') as reasons
    {%- else %}
    r.reasons
    {%- endif %}
from {{ ref('stg_' ~ name) }} as r
{%- if name in numbered %}
left join cancellations on r.file_no = cancellations.file_no and r.record_number = cancellations.record_number
{%- endif %}
{{ "union all" if not loop.last }}
{% endfor %}
