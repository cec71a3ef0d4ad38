/*
Grain: patient's day x derivation x with_bands: both parts of the derivation were sent, but from different draws (specimens
or times), and no ANC was measured that day.
Rule: one draw has one part, and another draw has the other. A draw with all parts of any derivation does not count here,
whatever they give (int_derivation). No ANC is derived, because nothing shows that the two draws are the same.
*/
with draws as (
    select
        patient_no,
        collected_date,
        {%- for part in ['anc', 'wbc', 'segs_abs', 'bands_abs'] %}
        count(case when analyte = '{{ part }}' then 1 end) > 0 as has_{{ part }},
        {%- endfor %}
        count(case when analyte in ('neutrophils_pct', 'segs_pct') then 1 end) > 0 as has_percentage
    from {{ ref('int_blood_count') }}
    group by patient_no, specimen_hash, exact_time, collected_date
),

days as (
    select
        patient_no,
        collected_date,
        {%- for part in ['wbc', 'percentage', 'segs_abs', 'bands_abs'] %}
        count(case when is_incomplete and has_{{ part }} then 1 end) > 0 as has_{{ part }}{{ "," if not loop.last }}
        {%- endfor %}
    from (
        select *, not (has_wbc and has_percentage) and not (has_segs_abs and has_bands_abs) as is_incomplete
        from draws
    ) as judged
    group by patient_no, collected_date
    having count(case when has_anc then 1 end) = 0
),

unpaired as (
    select patient_no, collected_date, 'derived_wbc_pct' as derivation
    from days
    where has_wbc and has_percentage
    union all
    select patient_no, collected_date, 'segs_plus_bands' as derivation
    from days
    where has_segs_abs and has_bands_abs
)

select
    unpaired.patient_no,
    unpaired.collected_date,
    unpaired.derivation,
    patient.site,
    readings.with_bands,
    case
        when unpaired.derivation = 'segs_plus_bands' then readings.with_bands
        else readings.with_bands <> readings.includes_bands
    end as is_site_rule
from unpaired
inner join {{ ref('int_observed_patient') }} as patient on unpaired.patient_no = patient.patient_no
inner join {{ ref('int_bands_reading') }} as readings on patient.site = readings.site
