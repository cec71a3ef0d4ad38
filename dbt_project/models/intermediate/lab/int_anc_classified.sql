{{ config(materialized='view') }}
/*
Grain: definition x ANC result: low, recovered, or neither. Only patients who are low under some definition.
Rules: "<b" with b <= onset_below ("<=b" with b itself low) is low; ">b" or ">=b" with b >= recovery_at is recovered.
is_decided: the value has no operator, or one that does not matter. Other values with an operator are not used in episodes.
*/
with definitions as (
    select * from {{ ref('int_case_definition') }}
),

widest as (
    select max(onset_below) as onset_below from definitions
),

low_patients as (
    select distinct anc.patient_no
    from {{ ref('int_anc') }} as anc
    inner join widest on anc.anc <= widest.onset_below
),

deciding as (
    select
        definitions.definition_id,
        anc.patient_no,
        anc.collected_date,
        anc.anc,
        anc.operator,
        anc.operator_order,
        anc.lln,
        anc.anc_record_key,
        coalesce(anc.operator, '=') in ('=', '<', '<=') and (
            anc.anc < definitions.onset_below
            or (
                anc.anc = definitions.onset_below
                and (definitions.onset_inclusive or coalesce(anc.operator, '=') = '<')
            )
        ) as is_low,
        coalesce(anc.operator, '=') in ('=', '>', '>=') and anc.anc >= definitions.recovery_at as is_recovered
    from {{ ref('int_anc') }} as anc
    inner join low_patients on anc.patient_no = low_patients.patient_no
    cross join definitions
)

select
    *,
    operator is null or is_low or is_recovered as is_decided
from deciding
