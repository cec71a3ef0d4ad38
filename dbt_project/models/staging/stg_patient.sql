{{ config(materialized='view') }}
/*
Grain: a delivered patients row, good or bad. A view over the vault, never stored: it holds full birth dates.
Rule: a patients row is held back only for its key or its shape; any other defect empties the cell and is counted.
A partial date counts from its first day, a partial death on its last; it contradicts another date only with all its days.
*/
with delivered as (
    {{ delivered_rows('patients', 'patient_id', [
        'patient_id', 'birth_date', 'sex', 'ms_phenotype', 'ms_onset_date', 'last_contact_date', 'death_date',
        'duffy_null', 'status']) }}
),

partial as (
    select
        *,
        {%- for date in ['birth', 'ms_onset', 'last_contact', 'death'] %}
        {{ partial_text(date ~ '_date') }} as {{ date }}_partial{{ "," if not loop.last }}
        {%- endfor %}
    from delivered
),

known as (
    select
        *,
        {%- for date, not_after in [
            ('birth', 'delivery_end'), ('ms_onset', 'delivery_end'), ('last_contact', none), ('death', none)
        ] %}
        {{ date_as_known(date ~ '_date', date ~ '_partial', 'site', 'time_zone', not_after) }}
            as {{ date }}_known{{ "," if not loop.last }}
        {%- endfor %}
    from partial
),

typed as (
    select
        *,
        {%- for date in ['birth', 'ms_onset', 'last_contact', 'death'] %}
        {{ first_day(date ~ '_known') }} as {{ date }}_from,
        {{ last_day(date ~ '_known') }} as {{ date }}_to{{ "," if not loop.last }}
        {%- endfor %}
    from known
),

born as (
    select *, case when birth_from <= delivery_end then birth_from end as birth_on
    from typed
),

dated as (
    select
        born.*,
        sex_words.code as sex_code,
        phenotype_words.code as ms_phenotype_code,
        duffy_words.code as duffy_null_code,
        case when death_from <= delivery_end and (birth_on is null or death_to >= birth_on) then death_to end as death_on
    from born
    {%- for kind, words in [('sex', 'sex_words'), ('ms_phenotype', 'phenotype_words'), ('duffy_null', 'duffy_words')] %}
    left join {{ ref('stg_code_word') }} as {{ words }}
        on born.site = {{ words }}.site and {{ words }}.kind = '{{ kind }}' and born.{{ kind }} = {{ words }}.word
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
    d.birth_on,
    case when d.death_on is not null then d.death_from end as death_from,
    d.death_on,
    {%- for date in ['ms_onset', 'last_contact'] %}
    case
        when d.{{ date }}_from <= d.delivery_end
            and (d.birth_on is null or d.{{ date }}_to >= d.birth_on)
            and (d.death_on is null or d.{{ date }}_from <= d.death_on)
            then greatest(d.{{ date }}_from, coalesce(d.birth_on, d.{{ date }}_from))
    end as {{ date }}_on,
    {%- endfor %}
    d.sex_code as sex,
    d.ms_phenotype_code as ms_phenotype,
    cast(d.duffy_null_code as boolean) as duffy_null,
    {{ reason_list([
        ['status:invalid_code', invalid_status()],
        ['sex:invalid_code', 'd.sex is not null and d.sex_code is null'],
        ['ms_phenotype:invalid_code', 'd.ms_phenotype is not null and d.ms_phenotype_code is null'],
        ['duffy_null:invalid_code', 'd.duffy_null is not null and d.duffy_null_code is null'],
        ['birth_date:unparseable_date', 'd.birth_date is not null and d.birth_known is null'],
        ['birth_date:date_after_delivery', 'd.birth_from > d.delivery_end'],
        ['ms_onset_date:unparseable_date', 'd.ms_onset_date is not null and d.ms_onset_known is null'],
        ['ms_onset_date:date_after_delivery', 'd.ms_onset_from > d.delivery_end'],
        ['ms_onset_date:date_before_birth', 'd.ms_onset_to < d.birth_on'],
        ['ms_onset_date:date_after_death', 'd.ms_onset_from > d.death_on'],
        ['last_contact_date:unparseable_date', 'd.last_contact_date is not null and d.last_contact_known is null'],
        ['last_contact_date:date_after_delivery', 'd.last_contact_from > d.delivery_end'],
        ['last_contact_date:date_before_birth', 'd.last_contact_to < d.birth_on'],
        ['last_contact_date:date_after_death', 'd.last_contact_from > d.death_on'],
        ['death_date:unparseable_date', 'd.death_date is not null and d.death_known is null'],
        ['death_date:date_after_delivery', 'd.death_from > d.delivery_end'],
        ['death_date:date_before_birth', 'd.death_to < d.birth_on'],
    ]) }} as cell_defects
from dated as d
