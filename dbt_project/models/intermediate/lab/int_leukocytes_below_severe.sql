/*
Grain: a patient's day under anti-CD20 treatment with leukocytes so low that the neutrophils must have been severely low,
without a measured or derived ANC from that draw. The day's lowest such result.
Rules: a neutrophil count can't exceed the leukocytes, so leukocytes below 0.5 (a severe ANC in udine_2025) mean a severe
ANC. Under treatment: at most the primary definition's attribution_days after the last dose, without the day of the dose
itself. A draw is one specimen and day or, without a specimen id, one exact time (int_blood_count).
*/
with anc_draws as (
    select patient_no, specimen_hash, exact_time, collected_date
    from {{ ref('int_blood_count') }}
    where analyte = 'anc'
    union
    select patient_no, specimen_hash, exact_time, collected_date
    from {{ ref('int_derived_anc') }}
),

leukocytes as (
    select
        *,
        {{ interval_low('canonical_value', 'operator') }} as low,
        {{ interval_high('canonical_value', 'operator') }} as high,
        coalesce(operator = '>', false) as is_low_open,
        coalesce(operator = '<', false) as is_high_open
    from {{ ref('int_blood_count') }}
    where analyte = 'wbc'
),

severe as (
    select *
    from leukocytes
    where {{ grade('udine_2025', 'low', 'high', 'is_low_open', 'is_high_open', 'canonical_low') }} = 'severe'
),

without_anc as (
    select severe.*
    from severe
    left join anc_draws as of_specimen
        on
            severe.patient_no = of_specimen.patient_no
            and severe.specimen_hash = of_specimen.specimen_hash
            and severe.collected_date = of_specimen.collected_date
    left join anc_draws as of_time
        on severe.patient_no = of_time.patient_no and severe.exact_time = of_time.exact_time
    where of_specimen.patient_no is null and of_time.patient_no is null
),

under_treatment as (
    select
        without_anc.*,
        definitions.definition_id,
        days.drug as last_drug,
        days.dose_number,
        {{ days_between('days.dose_date', 'without_anc.collected_date') }} as days_since_last_dose,
        row_number() over (
            partition by without_anc.patient_no, without_anc.collected_date
            order by without_anc.canonical_value asc, {{ operator_order('without_anc.operator') }} asc,
                without_anc.record_key asc
        ) as rank_of_day
    from without_anc
    inner join {{ ref('int_anti_cd20_day') }} as days
        on
            without_anc.patient_no = days.patient_no
            and without_anc.collected_date > days.dose_date
            and (days.next_day is null or without_anc.collected_date <= days.next_day)
    cross join {{ source('config', 'study') }} as study
    inner join {{ ref('int_case_definition') }} as definitions on study.primary_definition = definitions.definition_id
    where {{ days_between('days.dose_date', 'without_anc.collected_date') }} <= definitions.attribution_days
)

select
    definition_id,
    patient_no,
    collected_date,
    canonical_value as leukocytes,
    operator,
    record_key,
    last_drug,
    dose_number,
    days_since_last_dose
from under_treatment
where rank_of_day = 1
