/*
Grain: stratum x measure, primary definition: Table 1 of the cohort and the paper's table of its cases.
Strata: 'overall'; for patients 'first drug: …'; for cases 'drug at first case: …'. These divide patients and cases in different
ways, so one can't be divided by the other: risks and rates by drug are in mart_incidence.
The flow after mart_attrition, where each is a part of the one before: patients, with_time_at_risk, with_anc_at_risk (a count on
a day at risk up to the first case episode, without which no case could be seen), cases. never_tested: patients without such a
count; if none has one, the share of cases is unknown, not 0.
On any scale, severe is below 0.5, moderate 0.5 to below 1.0 (1.0 itself if the definition's own scale calls it moderate).
value: percent of the denominator if there is one, otherwise the statistic itself (median, years).
*/
with patients as (
    {% for stratum in ["'overall'", "concat('first drug: ', patient.first_drug)"] %}
    select {{ stratum }} as stratum, patient.*, untested.patient_key is not null as is_never_tested
    from {{ ref('dim_patient') }} as patient
    inner join {{ ref('dim_case_definition') }} as definitions on definitions.is_primary
    left join {{ ref('int_never_tested') }} as untested
        on patient.patient_key = untested.patient_key and definitions.definition_id = untested.definition_id
    where patient.in_cohort
    {{ "union all" if not loop.last }}
    {% endfor %}
),

cases as (
    {% for stratum in ["'overall'", "concat('drug at first case: ', cases.drug)"] %}
    select {{ stratum }} as stratum, cases.*
    from {{ ref('mart_case_listing') }} as cases
    inner join {{ ref('dim_case_definition') }} as definitions on cases.definition_id = definitions.definition_id
    where definitions.is_primary
    {{ "union all" if not loop.last }}
    {% endfor %}
),

-- every measure is a column; the stratum 'overall' exists even without patients or cases
{% for relation, measures in [('patients', patient_measures()), ('cases', case_measures() + recurrence_measures())] %}
counted_{{ relation }} as (
    select
        {%- for measure in measures %}
        count(case when {{ measure[1] }} then {{ relation }}.patient_key end) as {{ measure[0] }},
        {%- endfor %}
        strata.stratum
    from (select 'overall' as stratum union select listed.stratum from {{ relation }} as listed) as strata
    left join {{ relation }} on strata.stratum = {{ relation }}.stratum
    group by strata.stratum
),
{% endfor %}

measured as (
    {% for relation, first, of, measures in [
        ('patients', 1, 'patients', patient_measures()),
        ('cases', 31, 'cases', case_measures()[1:]),
        ('cases', 51, none, recurrence_measures())
    ] %}
    {%- for measure in measures %}
    select {{ first + loop.index0 }} as measure_order, '{{ measure[0] }}' as measure, stratum, {{ measure[0] }} as n,
        {{ of or measure[2] }} as denominator, 100.0 * {{ measure[0] }} / nullif({{ of or measure[2] }}, 0) as value
    from counted_{{ relation }}
    union all
    {%- endfor %}
    {%- endfor %}
    select 30 as measure_order, 'cases' as measure, patients.stratum, cases.cases as n, patients.patients as denominator,
        case when patients.with_anc_at_risk > 0 then 100.0 * cases.cases / patients.patients end as value
    from counted_patients as patients
    inner join counted_cases as cases on patients.stratum = cases.stratum
    {%- for relation, measure_order, measure, column in median_measures() %}
    union all
    select {{ measure_order }} as measure_order, '{{ measure }}' as measure, stratum, count({{ column }}) as n, null as denominator,
        percentile_cont(0.5) within group (order by cast({{ column }} as double)) as value
    from {{ relation }}
    group by stratum
    {%- endfor %}
    union all
    select 25 as measure_order, 'total_person_years' as measure, stratum, count(days_at_risk) as n, null as denominator,
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
from measured
