/*
Grain: definition x patient x day with an ANC that decides something; only patients who are low under some definition.
Rules: a value with an operator takes part only where it decides: "<b" with b <= onset_below ("<=b" with b itself low)
is low; ">b" or ">=b" with b >= recovery_at is recovered; else it is left out before the day's lowest is taken. The
day's value is the lowest, "<b" counting just below b.
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
        anc.collected_on,
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
),

ranked as (
    select
        *,
        row_number() over (
            partition by definition_id, patient_no, collected_on
            order by anc asc, operator_order asc, lln asc nulls last, anc_record_key asc
        ) as rank_of_day
    from deciding
    where operator is null or is_low or is_recovered
)

select
    definition_id,
    patient_no,
    collected_on,
    anc,
    operator,
    operator_order,
    lln,
    is_low,
    is_recovered,
    anc_record_key
from ranked
where rank_of_day = 1
