/*
Grain: attribution x definition x patient in the cohort x anti-CD20 drug: whether it was given before the first case episode,
days at risk until then and ANC results on them, case episodes, whether the case belongs to this drug and whether it recurred.
attribution: 'last_drug', the main analysis; 'drug_before', late effects after a switch count for the previous drug.
*/
with facts as (
    {% for attribution, drug, time in [
        ('last_drug', 'drug', 'int_risk_time'), ('drug_before', 'drug_by_late_effect', 'int_late_effect_time')
    ] %}
    select
        '{{ attribution }}' as attribution,
        definition_id,
        patient_no,
        drug,
        1 as exposed,
        0 as days_at_risk,
        0 as n_anc_tests,
        0 as n_episodes,
        0 as n_cases,
        0 as n_recurrent
    from {{ ref('int_drug_exposed') }}
    union all
    select
        '{{ attribution }}' as attribution,
        definition_id,
        patient_no,
        drug,
        0 as exposed,
        days_at_risk,
        n_anc_tests,
        0 as n_episodes,
        0 as n_cases,
        0 as n_recurrent
    from {{ ref(time) }}
    union all
    select
        '{{ attribution }}' as attribution,
        definition_id,
        patient_no,
        {{ drug }}{{ ' as drug' if drug != 'drug' }},
        0 as exposed,
        0 as days_at_risk,
        0 as n_anc_tests,
        1 as n_episodes,
        case when is_first then 1 else 0 end as n_cases,
        case when is_first and patient_recurred then 1 else 0 end as n_recurrent
    from {{ ref('int_case_episode_drug') }}
    {{ "union all" if not loop.last }}
    {% endfor %}
)

select
    attribution,
    definition_id,
    patient_no,
    drug,
    sum(exposed) as exposed,
    sum(days_at_risk) as days_at_risk,
    sum(n_anc_tests) as n_anc_tests,
    sum(n_episodes) as n_episodes,
    sum(n_cases) as n_cases,
    sum(n_recurrent) as n_recurrent
from facts
group by attribution, definition_id, patient_no, drug
