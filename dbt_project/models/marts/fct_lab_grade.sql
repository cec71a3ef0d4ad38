/*
Grain: a result of leukocytes (wbc), lymphocytes or platelets up to the end of observation, graded on every scale that
grades it. The neutrophil count has its own table, fct_anc.
NULL grade: can't be graded (operator undecided, LLN missing, unit in doubt), or the scale does not grade the analyte
(CTCAE v6 has no grades for lymphocytes); never "none". The LLN is the one in the record.
*/
{%- set analytes = ['wbc', 'lymphocytes', 'platelets'] %}
with counts as (
    select
        results.record_key,
        patient.patient_key,
        patient.site,
        results.analyte,
        results.collected_date,
        results.collected_at,
        results.canonical_value,
        results.operator,
        results.canonical_low as lln,
        {{ is_unit_in_doubt('results.analyte', 'results.canonical_value') }} as unit_in_doubt,
        {{ interval_low('results.canonical_value', 'results.operator') }} as low,
        {{ interval_high('results.canonical_value', 'results.operator') }} as high,
        coalesce(results.operator = '>', false) as is_low_open,
        coalesce(results.operator = '<', false) as is_high_open
    from {{ ref('int_current_lab_result') }} as results
    inner join {{ ref('int_observed_patient') }} as patient on results.patient_no = patient.patient_no
    where
        results.collected_date <= patient.observation_end
        and results.analyte in ('{{ analytes | join("', '") }}')
),

graded as (
    select
        *
        {%- for scale in ['ctcae_v5', 'ctcae_v6', 'daids_2_1'] %},
        case
            when not unit_in_doubt
                then {{ grade_of_analyte(
                    scale, 'analyte', analytes, 'low', 'high', 'is_low_open', 'is_high_open', 'lln'
                ) }}
        end as {{ scale }}_grade
        {%- endfor %}
    from counts
)

select
    {{ key_text('record_key') }} as lab_key,
    patient_key,
    site,
    analyte,
    collected_date as collected_on,
    collected_at,
    canonical_value as value_10e9_l,
    operator,
    lln as lln_10e9_l,
    unit_in_doubt,
    ctcae_v5_grade,
    ctcae_v6_grade,
    daids_2_1_grade,
    {{ is_below_cutoff_but_within_reference_range('ctcae_v5_grade', 'low', 'lln') }}
        as below_cutoff_but_within_reference_range
from graded
