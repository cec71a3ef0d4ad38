/*
Grain: an ANC result, with the last anti-CD20 dose before the day of the sample.
*/
select
    anc.*,
    days.drug as last_drug,
    days.dose_date as last_dose_date,
    {{ days_between('days.dose_date', 'anc.collected_date') }} as days_since_last_dose
from {{ ref('int_anc') }} as anc
left join {{ ref('int_anti_cd20_day') }} as days
    on
        anc.patient_no = days.patient_no
        and anc.collected_date > days.dose_date
        and (days.next_day is null or anc.collected_date <= days.next_day)
