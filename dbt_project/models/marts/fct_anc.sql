/*
Grain: an ANC result, measured or derived, up to the end of observation, graded on every scale.
within_gcsf_window: within the primary definition's gcsf_days after a G-CSF dose, that day included.
NULL grade: can't be graded (operator undecided, LLN missing), never "none". An absolute cut-off of CTCAE v5 takes
precedence over the LLN; below_cutoff_but_within_reference_range shows where it did.
*/
with gcsf_window as (
    select distinct anc.anc_record_key
    from {{ ref('int_anc_since_dose') }} as anc
    inner join {{ ref('int_gcsf_day') }} as gcsf on anc.patient_no = gcsf.patient_no
    inner join {{ ref('int_case_definition') }} as definitions
        on {{ within_days_after('anc.collected_date', 'gcsf.gcsf_date', 'definitions.gcsf_days') }}
    inner join {{ source('config', 'study') }} as study on definitions.definition_id = study.primary_definition
),

graded as (
    select
        *
        {%- for scale, column in [
            ('udine_2025', 'severity'), ('ctcae_v5', 'ctcae_v5_grade'), ('ctcae_v6', 'ctcae_v6_grade'),
            ('daids_2_1', 'daids_2_1_grade')
        ] %},
        {{ grade(scale, 'anc_low', 'anc_high', 'is_low_open', 'is_high_open', 'lln') }} as {{ column }}
        {%- endfor %}
    from {{ ref('int_anc_since_dose') }}
)

select
    {{ key_text('anc.anc_record_key') }} as anc_key,
    patient.patient_key,
    patient.site,
    anc.collected_date as collected_on,
    anc.collected_at,
    anc.anc as anc_10e9_l,
    anc.operator,
    anc.derivation,
    anc.source_value,
    anc.source_flag,
    anc.source_unit,
    anc.source_code,
    anc.lln as lln_10e9_l,
    anc.severity,
    anc.ctcae_v5_grade,
    anc.ctcae_v6_grade,
    anc.daids_2_1_grade,
    {{ is_below_cutoff_but_within_reference_range('anc.ctcae_v5_grade', 'anc.anc_low', 'anc.lln') }}
        as below_cutoff_but_within_reference_range,
    anc.last_drug,
    cast(anc.days_since_last_dose as integer) as days_since_last_dose,
    gcsf_window.anc_record_key is not null as within_gcsf_window
from graded as anc
inner join {{ ref('int_observed_patient') }} as patient on anc.patient_no = patient.patient_no
left join gcsf_window on anc.anc_record_key = gcsf_window.anc_record_key
