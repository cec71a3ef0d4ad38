/*
Grain: a delivered administrations row (one record of a dose), good or bad, without identifiers.
*/
with delivered as (
    {{ delivered_rows('administrations', 'administration_id', [
        'administration_id', 'patient_id', 'drug', 'administered_on', 'administered_until', 'dose', 'dose_unit', 'route', 'status']) }}
),

typed as (
    select
        d.*,
        names.drug as substance,
        cast({{ read_time('d.administered_on', 'd.site', 'd.time_zone') }} as date) as administered_on_day,
        {{ plain_number('d.dose', 'd.decimal_mark', 'd.thousands_mark') }} as dose_text
    from delivered as d
    left join {{ ref('stg_drug_name') }} as names on d.site = names.site and d.drug = names.name
),

with_dose as (
    select *, {{ number_value('dose_text') }} as dose_value
    from typed
)

select
    file_no,
    record_number,
    record_key,
    base_key,
    content_hash,
    patient_no,
    is_cancelled,
    true as is_mapped,
    patient_id is not null as has_patient_id,
    {{ held_back_reasons('administration_id', ['patient_id', 'drug', 'administered_on'], [
        ['invalid_code', invalid_status(can_be_not_given=true)],
        ['unknown_drug', 'drug is not null and substance is null'],
        ['unparseable_date', 'administered_on is not null and administered_on_day is null'],
        ['date_after_delivery', 'administered_on_day > delivery_end'],
    ]) }} as reasons,
    administered_on_day as judged_on,
    substance as drug,
    administered_on_day as administered_on,
    {{ reason_list([
        ['dose:non_numeric_value', 'dose is not null and dose_value is null'],
        ['dose:negative_value', 'dose_value < 0'],
    ]) }} as cell_defects
from with_dose
