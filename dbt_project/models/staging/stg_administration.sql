/*
Grain: a delivered administrations row (one record of a dose), good or bad, without identifiers.
Rule: an amount that begins with zero, a word for nothing (seed code_words), or the status not_given means that nothing was
given: the row is current but not a dose. Any other amount that can't be read is emptied, and the dose still counts.
administered_until is read only for G-CSF, and emptied if it can't be used.
*/
with delivered as (
    {{ delivered_rows('administrations', 'administration_id', [
        'administration_id', 'patient_id', 'drug', 'administered_on', 'administered_until', 'dose', 'dose_unit', 'route',
        'status']) }}
),

typed as (
    select
        d.*,
        names.drug as substance,
        drugs.drug_class,
        cast({{ read_time('d.administered_on', 'd.site', 'd.time_zone') }} as date) as administered_day,
        case
            when drugs.drug_class = 'gcsf'
                then cast({{ read_time('d.administered_until', 'd.site', 'd.time_zone') }} as date)
        end as until_sent,
        coalesce(d.status_code <> 'not_given', true) as may_be_given,
        amounts.code as amount_in_words,
        {{ without_dose_unit('d.dose') }} as dose_text
    from delivered as d
    left join {{ ref('stg_drug_name') }} as names on d.site = names.site and d.drug = names.name
    left join {{ ref('drugs') }} as drugs on names.drug = drugs.drug
    left join {{ ref('stg_code_word') }} as amounts on d.site = amounts.site and amounts.kind = 'dose' and d.dose = amounts.word
),

with_dose as (
    select
        *,
        case
            when amount_in_words = '0' or {{ is_zero_amount('dose') }} then 0
            -- with an operator it is a bound, not an amount
            when {{ number_operator('dose_text') }} is null
                then {{ number_value(plain_number('dose_text', 'decimal_mark', 'thousands_mark')) }}
        end as dose_value
    from typed
)

select
    file_no,
    record_number,
    record_key,
    base_key,
    content_hash,
    -- compared with what a cancellation of the day states: see int_taken_back
    day_content,
    case when base_key is not null and dose_value is not null then {{ cells_hash('salt', ['dose_value']) }} end as sent_value,
    cast(null as {{ dbt.type_string() }}) as read_value,
    patient_no,
    is_cancelled,
    true as is_mapped,
    patient_id is not null as has_patient_id,
    {{ held_back_reasons('administration_id', required_columns('administrations'), [
        ['invalid_code', invalid_status(can_be_not_given=true)],
        ['unknown_drug', 'drug is not null and substance is null'],
        ['unparseable_date', 'administered_on is not null and administered_day is null'],
        ['date_after_delivery', 'administered_day > delivery_end'],
    ]) }} as reasons,
    administered_day as judged_date,
    substance as drug,
    administered_day as administered_date,
    until_sent,
    case when until_sent <= delivery_end and until_sent >= administered_day then until_sent end as administered_until,
    may_be_given and coalesce(dose_value <> 0, true) as is_given,
    {{ reason_list([
        ['administered_until:unparseable_date',
            "drug_class = 'gcsf' and administered_until is not null and until_sent is null"],
        ['administered_until:date_after_delivery', 'until_sent > delivery_end'],
        ['administered_until:end_before_start', 'until_sent < administered_day'],
        ['dose:non_numeric_value', 'may_be_given and dose is not null and dose_value is null'],
        ['dose:negative_value', 'may_be_given and dose_value < 0'],
    ]) }} as cell_defects
from with_dose
