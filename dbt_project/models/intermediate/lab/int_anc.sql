/*
Grain: an ANC result, measured or derived, up to the end of observation (10^9/L, DECIMAL(18,6)).
A value with an operator is an interval: "<b" is [0, b), ">b" is (b, no bound); see the macro anc_interval.
*/
with results as (
    select
        record_key as anc_record_key,
        patient_no,
        collected_date,
        collected_at,
        canonical_value as anc,
        operator,
        'measured' as derivation,
        source_value,
        source_flag,
        source_unit,
        source_code,
        canonical_low as lln
    from {{ ref('int_blood_count') }}
    where analyte = 'anc'
    union all
    select
        {{ derived_key('first_part_key', 'second_part_key') }} as anc_record_key,
        patient_no,
        collected_date,
        collected_at,
        anc,
        cast(null as varchar) as operator,
        derivation,
        cast(null as varchar) as source_value,
        cast(null as varchar) as source_flag,
        cast(null as varchar) as source_unit,
        cast(null as varchar) as source_code,
        cast(null as decimal(18, 6)) as lln
    from {{ ref('int_derived_anc') }}
)

select
    *,
    {{ interval_low('anc', 'operator') }} as anc_low,
    {{ interval_high('anc', 'operator') }} as anc_high,
    coalesce(operator = '>', false) as is_low_open,
    coalesce(operator = '<', false) as is_high_open,
    {{ operator_order('operator') }} as operator_order
from results
