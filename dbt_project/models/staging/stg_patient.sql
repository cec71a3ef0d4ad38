{{ config(materialized='view') }}
/*
Grain: a delivered patients row, good or bad. A view over the vault, never stored: it holds full birth dates.
Rule: a patients row is held back only for its key or its shape; any other defect empties the cell and is counted.
A partial birth date (YYYY, YYYY-MM) counts from its first day.
*/
with delivered as (
    {{ delivered_rows('patients', 'patient_id', [
        'patient_id', 'birth_date', 'sex', 'ms_phenotype', 'ms_onset_date', 'last_contact_date', 'death_date',
        'duffy_null', 'status']) }}
),

typed as (
    select
        *,
        case
            when {{ matches('birth_date', '\\d{4}') }} then cast(birth_date || '-01-01' as date)
            when {{ matches('birth_date', '\\d{4}-(0[1-9]|1[0-2])') }} then cast(birth_date || '-01' as date)
            else cast({{ read_time('birth_date', 'site', 'time_zone') }} as date)
        end as birth_on_sent,
        cast({{ read_time('ms_onset_date', 'site', 'time_zone') }} as date) as ms_onset_on_sent,
        cast({{ read_time('last_contact_date', 'site', 'time_zone') }} as date) as last_contact_on_sent,
        cast({{ read_time('death_date', 'site', 'time_zone') }} as date) as death_on_sent
    from delivered
),

dated as (
    select
        typed.*,
        sex_words.code as sex_code,
        phenotype_words.code as ms_phenotype_code,
        duffy_words.code as duffy_null_code,
        case when birth_on_sent <= delivery_end then birth_on_sent end as birth_on,
        case
            when death_on_sent <= delivery_end and (
                birth_on_sent is null or birth_on_sent > delivery_end or death_on_sent >= birth_on_sent
            ) then death_on_sent
        end as death_on
    from typed
    {%- for kind, words in [('sex', 'sex_words'), ('ms_phenotype', 'phenotype_words'), ('duffy_null', 'duffy_words')] %}
    left join {{ ref('stg_code_word') }} as {{ words }}
        on typed.site = {{ words }}.site and {{ words }}.kind = '{{ kind }}' and typed.{{ kind }} = {{ words }}.word
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
    d.death_on,
    case
        when d.ms_onset_on_sent <= d.delivery_end
            and (d.birth_on is null or d.ms_onset_on_sent >= d.birth_on)
            and (d.death_on is null or d.ms_onset_on_sent <= d.death_on) then d.ms_onset_on_sent
    end as ms_onset_on,
    case
        when d.last_contact_on_sent <= d.delivery_end
            and (d.birth_on is null or d.last_contact_on_sent >= d.birth_on)
            and (d.death_on is null or d.last_contact_on_sent <= d.death_on) then d.last_contact_on_sent
    end as last_contact_on,
    d.sex_code as sex,
    d.ms_phenotype_code as ms_phenotype,
    cast(d.duffy_null_code as boolean) as duffy_null,
    {{ reason_list([
        ['status:invalid_code', invalid_status()],
        ['sex:invalid_code', 'd.sex is not null and d.sex_code is null'],
        ['ms_phenotype:invalid_code', 'd.ms_phenotype is not null and d.ms_phenotype_code is null'],
        ['duffy_null:invalid_code', 'd.duffy_null is not null and d.duffy_null_code is null'],
        ['birth_date:unparseable_date', 'd.birth_date is not null and d.birth_on_sent is null'],
        ['birth_date:date_after_delivery', 'd.birth_on_sent > d.delivery_end'],
        ['ms_onset_date:unparseable_date', 'd.ms_onset_date is not null and d.ms_onset_on_sent is null'],
        ['ms_onset_date:date_after_delivery', 'd.ms_onset_on_sent > d.delivery_end'],
        ['ms_onset_date:date_before_birth', 'd.ms_onset_on_sent < d.birth_on'],
        ['ms_onset_date:date_after_death', 'd.ms_onset_on_sent > d.death_on'],
        ['last_contact_date:unparseable_date', 'd.last_contact_date is not null and d.last_contact_on_sent is null'],
        ['last_contact_date:date_after_delivery', 'd.last_contact_on_sent > d.delivery_end'],
        ['last_contact_date:date_before_birth', 'd.last_contact_on_sent < d.birth_on'],
        ['last_contact_date:date_after_death', 'd.last_contact_on_sent > d.death_on'],
        ['death_date:unparseable_date', 'd.death_date is not null and d.death_on_sent is null'],
        ['death_date:date_after_delivery', 'd.death_on_sent > d.delivery_end'],
        ['death_date:date_before_birth', 'd.death_on_sent < d.birth_on'],
    ]) }} as cell_defects
from dated as d
