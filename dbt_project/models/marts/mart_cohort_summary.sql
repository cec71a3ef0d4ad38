/*
Grain: stratum x measure, primary definition: Table 1 of the cohort and the paper's table of its cases.
Strata: 'overall'; of patients 'first drug: …'; of cases 'drug at first case: …'. Two ways to cut, so that neither is a share of
the other: risks and rates by drug are in mart_incidence.
The flow after mart_attrition, each part of the one before: patients, with_time_at_risk, with_anc_at_risk (a count on a day at
risk up to the first case episode, without which no case could be seen), cases. never_tested: patients without such a count;
where all are, the share of cases is unknown, not 0.
Severe is below 0.5, moderate 0.5 to below 1.0 (1.0 itself where the definition's own scale calls it so), whatever that scale.
value: percent of the denominator where there is one, else the statistic itself (median, years).
*/
with never_tested as (
    select untested.patient_key
    from {{ ref('int_never_tested') }} as untested
    inner join {{ ref('dim_case_definition') }} as definitions on untested.definition_id = definitions.definition_id
    where definitions.is_primary
),

cohort as (
    select patient.*, never_tested.patient_key is not null as is_never_tested
    from {{ ref('dim_patient') }} as patient
    left join never_tested on patient.patient_key = never_tested.patient_key
    where patient.in_cohort
),

patients as (
    select
        'overall' as stratum,
        cohort.*
    from cohort
    union all
    select
        concat('first drug: ', cohort.first_drug) as stratum,
        cohort.*
    from cohort
),

all_cases as (
    select cases.*
    from {{ ref('mart_case_listing') }} as cases
    inner join {{ ref('dim_case_definition') }} as definitions on cases.definition_id = definitions.definition_id
    where definitions.is_primary
),

cases as (
    select
        'overall' as stratum,
        all_cases.*
    from all_cases
    union all
    select
        concat('drug at first case: ', all_cases.drug) as stratum,
        all_cases.*
    from all_cases
),

patient_strata as (
    select distinct stratum from patients
    union
    select 'overall' as stratum
),

case_strata as (
    select distinct stratum from cases
    union
    select 'overall' as stratum
),

patient_totals as (
    select
        patient_strata.stratum,
        count(patients.patient_key) as n_patients,
        count(case when not patients.is_never_tested then patients.patient_key end) as n_tested
    from patient_strata
    left join patients on patient_strata.stratum = patients.stratum
    group by patient_strata.stratum
),

case_totals as (
    select
        case_strata.stratum,
        count(cases.patient_key) as n_cases,
        coalesce(sum(case when cases.recurred then 1 else 0 end), 0) as n_recurrent
    from case_strata
    left join cases on case_strata.stratum = cases.stratum
    group by case_strata.stratum
),

patient_counts as (
    {% for measure, condition in [
        ('patients', 'true'),
        ('female', "patients.sex = 'F'"),
        ('male', "patients.sex = 'M'"),
        ('phenotype_rrms', "patients.ms_phenotype = 'RRMS'"),
        ('phenotype_ppms', "patients.ms_phenotype = 'PPMS'"),
        ('phenotype_spms', "patients.ms_phenotype = 'SPMS'"),
        ('phenotype_cis', "patients.ms_phenotype = 'CIS'"),
        ('phenotype_missing', 'patients.ms_phenotype is null'),
        ('duffy_null', 'patients.duffy_null'),
        ('duffy_missing', 'patients.duffy_null is null'),
        ('no_baseline_anc', 'patients.no_baseline_anc'),
        ('died', 'patients.death_date is not null'),
        ('with_time_at_risk', 'patients.days_at_risk > 0'),
        ('with_anc_at_risk', 'not patients.is_never_tested'),
        ('never_tested', 'patients.is_never_tested'),
    ] %}
    select
        '{{ measure }}' as measure,
        {{ loop.index }} as measure_order,
        patient_totals.stratum,
        count(case when {{ condition }} then patients.patient_key end) as n,
        max(patient_totals.n_patients) as denominator
    from patient_totals
    left join patients on patient_totals.stratum = patients.stratum
    group by patient_totals.stratum
    {{ "union all" if not loop.last }}
    {%- endfor %}
),

case_counts as (
    {% for measure, condition in [
        ('cases_severe', "cases.worst_ctcae_v5_grade = '4'"),
        ('cases_moderate', "cases.worst_severity = 'moderate' or cases.worst_ctcae_v5_grade = '3'"),
        ('cases_late_onset', "cases.onset_type = 'late'"),
        ('cases_early_onset', "cases.onset_type = 'early'"),
        ('cases_gcsf_treated', 'cases.gcsf_treated'),
        ('cases_with_infection', 'cases.infection'),
        ('cases_hospitalised', 'cases.hospitalised'),
        ('cases_recurrent', 'cases.recurred'),
        ('cases_continued', "cases.final_treatment_action = 'continued'"),
        ('cases_resumed', "cases.final_treatment_action = 'resumed'"),
        ('cases_switched_in_class', "cases.final_treatment_action = 'switched_in_class'"),
        ('cases_switched_out_of_class', "cases.final_treatment_action = 'switched_out_of_class'"),
        ('cases_discontinued', "cases.final_treatment_action = 'discontinued'"),
        ('cases_pending', "cases.final_treatment_action = 'pending'"),
    ] %}
    select
        '{{ measure }}' as measure,
        {{ 30 + loop.index }} as measure_order,
        case_totals.stratum,
        count(case when {{ condition }} then cases.patient_key end) as n,
        max(case_totals.n_cases) as denominator
    from case_totals
    left join cases on case_totals.stratum = cases.stratum
    group by case_totals.stratum
    {{ "union all" if not loop.last }}
    {%- endfor %}
),

recurrent_counts as (
    {% for measure, condition in [
        ('recurrent_switched_to_ofatumumab', "cases.next_drug = 'ofatumumab'"),
        ('recurrent_discontinued', "cases.final_treatment_action = 'discontinued'"),
    ] %}
    select
        '{{ measure }}' as measure,
        {{ 50 + loop.index }} as measure_order,
        case_totals.stratum,
        count(case when cases.recurred and {{ condition }} then cases.patient_key end) as n,
        max(case_totals.n_recurrent) as denominator
    from case_totals
    left join cases on case_totals.stratum = cases.stratum
    group by case_totals.stratum
    union all
    {%- endfor %}
    select
        'not_recurrent_discontinued' as measure,
        53 as measure_order,
        case_totals.stratum,
        count(case when not cases.recurred and cases.final_treatment_action = 'discontinued' then cases.patient_key end)
            as n,
        max(case_totals.n_cases - case_totals.n_recurrent) as denominator
    from case_totals
    left join cases on case_totals.stratum = cases.stratum
    group by case_totals.stratum
),

case_share as (
    select
        'cases' as measure,
        30 as measure_order,
        patient_totals.stratum,
        case_totals.n_cases as n,
        patient_totals.n_patients as denominator,
        patient_totals.n_tested
    from patient_totals
    inner join case_totals on patient_totals.stratum = case_totals.stratum
),

shares as (
    select measure, measure_order, stratum, n, denominator, 100.0 * n / nullif(denominator, 0) as value
    from (
        select * from patient_counts
        union all
        select * from case_counts
        union all
        select * from recurrent_counts
    ) as counted
    union all
    select
        measure,
        measure_order,
        stratum,
        n,
        denominator,
        case when n_tested > 0 then 100.0 * n / denominator end as value
    from case_share
),

statistics as (
    {% for measure, column, relation in [
        ('median_age_at_index', 'age_at_index', 'patients'),
        ('median_person_years', 'person_years', 'patients'),
        ('median_days_from_dose_to_onset', 'days_since_last_dose', 'cases'),
        ('median_nadir_10e9_l', 'nadir_anc_10e9_l', 'cases'),
    ] %}
    select
        '{{ measure }}' as measure,
        {{ 20 + loop.index if relation == 'patients' else 60 + loop.index }} as measure_order,
        stratum,
        count({{ column }}) as n,
        cast(null as bigint) as denominator,
        percentile_cont(0.5) within group (order by cast({{ column }} as double)) as value
    from {{ relation }}
    group by stratum
    {{ "union all" if not loop.last }}
    {%- endfor %}
    union all
    select
        'total_person_years' as measure,
        25 as measure_order,
        stratum,
        count(days_at_risk) as n,
        cast(null as bigint) as denominator,
        sum(days_at_risk) / 365.25 as value
    from patients
    group by stratum
)

select
    cast(measure_order as integer) as measure_order,
    measure,
    stratum,
    cast(n as bigint) as n,
    cast(denominator as bigint) as denominator,
    cast(value as double) as value
from shares
union all
select
    cast(measure_order as integer) as measure_order,
    measure,
    stratum,
    cast(n as bigint) as n,
    cast(denominator as bigint) as denominator,
    cast(value as double) as value
from statistics
