/*
Grain: a patient's day with an anti-CD20 dose; if several such drugs were given that day, the alphabetically last one.
previous_drug: the last other anti-CD20 drug given before (or on that day); previous_drug_date: the day of its last dose
until then. next_day: the next dose day of the class.
*/
with days as (
    select patient_no, administered_date as dose_date, max(drug) as drug
    from {{ ref('int_dose') }}
    where drug_class = 'anti_cd20'
    group by patient_no, administered_date
),

doses as (
    select patient_no, drug, administered_date, dose_number, dose_source
    from {{ ref('int_dose') }}
    where drug_class = 'anti_cd20'
),

drug_spells as (
    select
        *,
        case
            when drug <> lag(drug) over (partition by patient_no order by administered_date asc, drug asc)
                then lag(drug) over (partition by patient_no order by administered_date asc, drug asc)
        end as drug_before_if_changed,
        case
            when drug <> lag(drug) over (partition by patient_no order by administered_date asc, drug asc)
                then lag(administered_date) over (partition by patient_no order by administered_date asc, drug asc)
        end as day_before_if_changed
    from doses
),

numbered_spells as (
    select
        *,
        count(drug_before_if_changed) over (
            partition by patient_no order by administered_date asc, drug asc
            rows between unbounded preceding and current row
        ) as spell
    from drug_spells
),

with_previous as (
    select
        *,
        max(drug_before_if_changed) over (partition by patient_no, spell) as previous_drug,
        max(day_before_if_changed) over (partition by patient_no, spell) as previous_drug_date
    from numbered_spells
)

select
    days.patient_no,
    days.dose_date,
    days.drug,
    with_previous.dose_number,
    with_previous.dose_source,
    with_previous.previous_drug,
    with_previous.previous_drug_date,
    lag(days.dose_date) over (partition by days.patient_no order by days.dose_date asc) as previous_day,
    lead(days.dose_date) over (partition by days.patient_no order by days.dose_date asc) as next_day
from days
inner join with_previous
    on
        days.patient_no = with_previous.patient_no
        and days.dose_date = with_previous.administered_date
        and days.drug = with_previous.drug
