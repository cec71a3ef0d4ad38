{{ config(materialized='view') }}
/*
Grain: a delivered patients row, good or bad. A view over the vault, never stored: it holds full birth dates.
Rule: a patients row is quarantined only for its key or its shape; any other defect empties the cell and is counted.
A partial date counts from its first day, a partial death on its last. It contradicts another date only if all its days do.
*/
{%- set dates, words = ['birth', 'ms_onset', 'last_contact', 'death'], ['sex', 'ms_phenotype', 'duffy_null'] %}
with delivered as (
    {{ delivered_rows('patients', 'patient_id', [
        'patient_id', 'birth_date', 'sex', 'ms_phenotype', 'ms_onset_date', 'last_contact_date', 'death_date',
        'duffy_null', 'status']) }}
),

partial as (
    select
        *,
        {%- for date in dates %}
        {{ partial_text(date ~ '_date') }} as {{ date }}_partial{{ "," if not loop.last }}
        {%- endfor %}
    from delivered
),

known as (
    select
        *,
        {%- for date in dates %}
        {%- set not_after = 'delivery_end' if date in ['birth', 'ms_onset'] else none %}
        {{ date_as_known(date ~ '_date', date ~ '_partial', 'site', 'time_zone', not_after) }}
            as {{ date }}_known{{ "," if not loop.last }}
        {%- endfor %}
    from partial
),

typed as (
    select
        *,
        {%- for date in dates %}
        {{ first_day(date ~ '_known') }} as {{ date }}_from, {{ last_day(date ~ '_known') }} as {{ date }}_to{{ "," if not loop.last }}
        {%- endfor %}
    from known
),

born as (
    select *, case when birth_from <= delivery_end then birth_from end as birth_day
    from typed
),

dated as (
    select
        born.*,
        {%- for word in words %}
        {{ word }}_words.code as {{ word }}_code,
        {%- endfor %}
        case when death_from <= delivery_end and (birth_day is null or death_to >= birth_day) then death_to end as death_day
    from born
    {%- for word in words %}
    left join {{ ref('stg_code_word') }} as {{ word }}_words
        on born.site = {{ word }}_words.site and {{ word }}_words.kind = '{{ word }}' and born.{{ word }} = {{ word }}_words.word
    {%- endfor %}
)

select
    d.file_no,
    d.record_number,
    d.record_key,
    d.content_hash,
    d.is_cancelled,
    true as is_mapped,
    d.patient_no,
    d.patient_key,
    d.site,
    {{ held_back_reasons('d.patient_id', [], []) }} as reasons,
    d.birth_day as birth_date,
    case when d.death_day is not null then d.death_from end as death_from,
    d.death_day as death_date,
    {%- for date in ['ms_onset', 'last_contact'] %}
    case
        when d.{{ date }}_from <= d.delivery_end
            and (d.birth_day is null or d.{{ date }}_to >= d.birth_day)
            and (d.death_day is null or d.{{ date }}_from <= d.death_day)
            then greatest(d.{{ date }}_from, coalesce(d.birth_day, d.{{ date }}_from))
    end as {{ date }}_date,
    {%- endfor %}
    d.sex_code as sex,
    d.ms_phenotype_code as ms_phenotype,
    cast(d.duffy_null_code as boolean) as duffy_null,
    {%- set defects = [['status:invalid_code', invalid_status()]] %}
    {%- for word in words %}
    {%- do defects.append([word ~ ':invalid_code', 'd.' ~ word ~ ' is not null and d.' ~ word ~ '_code is null']) %}
    {%- endfor %}
    {%- for date in dates %}
    {%- set column, sent = date ~ '_date', 'd.' ~ date %}
    {%- do defects.append([column ~ ':unparseable_date', sent ~ '_date is not null and ' ~ sent ~ '_known is null']) %}
    {%- do defects.append([column ~ ':date_after_delivery', sent ~ '_from > d.delivery_end']) %}
    {%- do defects.append([column ~ ':date_before_birth', sent ~ '_to < d.birth_day']) if date != 'birth' %}
    {%- do defects.append([column ~ ':date_after_death', sent ~ '_from > d.death_day']) if date in dates[1:3] %}
    {%- endfor %}
    {{ reason_list(defects) }} as cell_defects
from dated as d
