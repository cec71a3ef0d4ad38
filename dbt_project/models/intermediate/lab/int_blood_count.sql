/*
Grain: a current, mapped blood-count result (measured ANC or a part of one) up to the end of observation, with its
differential: the results from one specimen and day or, without a specimen id, from one exact time.
*/
select
    results.file_no,
    results.record_number,
    results.record_key,
    results.patient_no,
    results.analyte,
    results.operator,
    results.canonical_value,
    results.canonical_low,
    results.collected_at,
    results.collected_date,
    results.source_value,
    results.source_flag,
    results.source_unit,
    results.source_code,
    results.percent_code_hash,
    results.specimen_hash,
    case when results.specimen_hash is null then results.collected_at end as exact_time
from {{ ref('int_current_lab_result') }} as results
inner join {{ ref('int_observed_patient') }} as patient on results.patient_no = patient.patient_no
where
    results.collected_date <= patient.observation_end
    and results.analyte in (
        'anc', 'segs_abs', 'bands_abs', 'wbc', 'neutrophils_pct', 'segs_pct', 'bands_pct', 'lymphocytes',
        'lymphocytes_pct'
    )
