/*
Grain: an ANC result, with the last anti-CD20 dose before its day.
*/
select
    anc.*,
    days.drug as last_drug,
    days.dose_on as last_dose_on,
    {{ days_between('days.dose_on', 'anc.collected_on') }} as days_since_last_dose
from {{ ref('int_anc') }} as anc
left join {{ ref('int_anti_cd20_day') }} as days
    on
        anc.patient_no = days.patient_no
        and anc.collected_on > days.dose_on
        and (days.next_day is null or anc.collected_on <= days.next_day)
