/*
Grain: entity x rule for its rows after typing and judging, with the number of current rows that break it.
No row may break one. Staging has to ensure each rule (quarantine a row, empty a cell, convert a value to its unit); here it
is stated again, independently of staging. The gate refuses if a row breaks one.
*/
{%- set no_patient = ["patient_known", "known.patient_no is null"] -%}
{%- set no_drug = ["drug_known", "drugs.drug is null"] -%}
{%- set with_drugs = "left join " ~ ref('drugs') ~ " as drugs on r.drug = drugs.drug" -%}
{%- set entities = {
    'patients': ['patient', '', [
        ['patient_known', 'r.patient_key is null or known.patient_no is null'],
        ['dates_in_order', 'r.ms_onset_date < r.birth_date or r.death_date < r.birth_date or r.last_contact_date < r.birth_date'
            ~ ' or r.ms_onset_date > r.death_date or r.last_contact_date > r.death_date'],
        ['dates_by_delivery', 'greatest(r.birth_date, r.ms_onset_date, r.death_from, r.last_contact_date) > files.delivery_end'],
        ['codes_known', "r.sex not in ('F', 'M', 'X') or r.ms_phenotype not in ('CIS', 'RRMS', 'SPMS', 'PPMS')"],
    ]],
    'treatments': ['treatment', with_drugs, [
        no_patient,
        no_drug,
        ['dates_in_order', 'r.start_date is null or r.end_date < r.start_date'],
        ['dates_by_delivery', 'r.start_date > files.delivery_end or r.end_from > files.delivery_end'],
    ]],
    'administrations': ['administration', with_drugs, [
        no_patient,
        no_drug,
        ['dates_by_delivery', 'r.administered_date is null or r.administered_date > files.delivery_end'],
    ]],
    'lab_results': [
        'lab_result',
        'left join ' ~ ref('analytes') ~ ' as analytes on r.analyte = analytes.analyte', [
        no_patient,
        ['analyte_known', 'analytes.analyte is null'],
        ['value_in_bounds', 'r.canonical_value is null or r.canonical_value < analytes.hard_low'
            ~ ' or r.canonical_value > analytes.hard_high'],
        ['whole_cells', "analytes.dimension = 'count' and r.analyte <> 'cd19_abs' and r.canonical_value < 0.1"
            ~ " and r.canonical_value * 1000 <> floor(r.canonical_value * 1000)"],
        ['operator_known', "r.operator not in ('<', '<=', '>', '>=')"],
        ['dates_by_delivery', 'r.collected_date is null or r.collected_date > files.delivery_end'],
    ]],
    'clinical_events': ['clinical_event', '', [
        no_patient,
        ['codes_known', "coalesce(r.event_type, '') not in"
            ~ " ('infection', 'febrile_neutropenia', 'hospitalisation', 'relapse', 'other')"],
        ['dates_in_order', 'r.onset_date is null or r.end_date < r.onset_date'],
        ['dates_by_delivery', 'r.onset_date > files.delivery_end or r.end_from > files.delivery_end'],
    ]],
    'adjudications': ['adjudication', '', [
        no_patient,
        ['codes_known', "coalesce(r.verdict, '') not in ('confirmed', 'other_cause', 'lab_error')"],
        ['dates_in_order', 'r.onset_from is null or r.onset_to is null or r.onset_to < r.onset_from'],
        ['dates_by_delivery', 'r.reviewed_date > files.delivery_end'],
    ]],
} %}
with
{%- for entity, (name, others, rules) in entities.items() %}
{{ entity }} as (
    select
        count(*) as n_rows,
        count(*) - count(distinct r.record_key) as key_once,
        count(case when r.reasons is not null and r.reasons <> '' then 1 end) as not_held_back,
        {%- for rule, broken in rules %}
        count(case when {{ broken }} then 1 end) as {{ rule }}{{ "," if not loop.last }}
        {%- endfor %}
    from {{ ref('int_current_' ~ name) }} as r
    inner join {{ ref('stg_input_file') }} as files on r.file_no = files.file_no
    left join {{ ref('int_patient') }} as known on r.patient_no = known.patient_no
    {{ others }}
){{ "," if not loop.last }}
{%- endfor %}

{% for entity, (name, others, rules) in entities.items() -%}
{%- set rule_names = ['key_once', 'not_held_back'] + (rules | map('first') | list) -%}
{%- for rule in rule_names %}
select
    '{{ entity }}' as entity,
    '{{ rule }}' as rule,
    n_rows,
    {{ rule }} as n_broken
from {{ entity }}
{{ "union all" if not (loop.last and entity == 'adjudications') }}
{%- endfor %}
{%- endfor %}
