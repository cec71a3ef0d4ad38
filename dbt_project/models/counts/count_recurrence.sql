{%- set first_days = {
    'all': 'onset_date',
    'same_drug': 'same_drug_date',
    'same_drug_recorded': 'same_drug_recorded_date',
    'another_in_class': 'another_in_class_date',
    'out_of_class': 'out_of_class_date',
    'none': "case when last_treatment = 'none' then onset_date end",
} %}
/*
Grain: definition x stratum (overall, attributed drug) x treatment after the case. mart_recurrence estimates shares from these.
Rules: a case counts in the row of each treatment given after it, from its first day on, or in the row none. A recurrence
counts only in the row of the last treatment, so that all who recurred had it. A share of 0 is shown, but it is unknown if
nobody has a count after that day (n_never_tested). Reasons: docs/decisions/0017-recurrence-by-what-was-given.md
*/
with cases as (
    select * from {{ ref('mart_rechallenge') }}
    where is_counted_in_recurrence
),

given as (
    {% for treatment, first_day in first_days.items() %}
    select
        *,
        '{{ treatment }}' as treatment_after,
        {{ first_day }} as followed_from,
        recurred{% if treatment != 'all' %} and last_treatment = '{{ treatment | replace("_recorded", "") }}'{% endif %}
            as is_recurrent
    from cases
    {{ "union all" if not loop.last }}
    {% endfor %}
),

treatments as (
    {% for treatment in first_days %}
    select {{ loop.index }} as treatment_order, '{{ treatment }}' as treatment_after
    {{ "union all" if not loop.last }}
    {% endfor %}
),

strata as (
    select definition_id, 'overall' as stratum_type, 'all' as stratum, cast(null as varchar) as drug
    from {{ ref('int_case_definition') }}
    union distinct
    select definition_id, 'drug' as stratum_type, attributed_drug as stratum, attributed_drug as drug
    from cases
)

select
    strata.definition_id,
    strata.stratum_type,
    strata.stratum,
    treatments.treatment_order,
    treatments.treatment_after,
    count(given.patient_key) as n_patients,
    count(case when given.last_count_at_risk_date <= given.followed_from then 1 end) as n_never_tested,
    count(case when given.is_recurrent then 1 end) as n_recurrent,
    percentile_cont(0.5) within group (
        order by cast(given.follow_up_days - {{ days_between('given.onset_date', 'given.followed_from') }} as double)
    ) as median_follow_up_days
from strata
cross join treatments
left join given
    on
        strata.definition_id = given.definition_id
        and coalesce(strata.drug, given.attributed_drug) = given.attributed_drug
        and treatments.treatment_after = given.treatment_after
        and given.followed_from is not null
group by
    strata.definition_id, strata.stratum_type, strata.stratum, treatments.treatment_order, treatments.treatment_after
