"""Risk and rate with their intervals: `mart_incidence`, and by period on treatment `mart_incidence_by_period`.

The database counts patients, cases and days at risk, by the rules of int_risk_time and int_cohort_member.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from registry.statistics.intervals import rate_interval, rate_ratio_interval, risk_interval
from registry.statistics.table import DAYS_PER_YEAR, ORDER, STRATUM_KEY, named, stratum

if TYPE_CHECKING:
    import duckdb


# A patient counts for each drug taken before the first case episode, a case for the drug of that
# episode, a day and an ANC for the drug of the last dose before it, an episode for the drug to
# which it is attributed. A definition with an empty cohort still has its row.
_COUNTS = f"""
with facts as (
    select definition_id from main.dim_case_definition
    union all by name
    select definition_id, site, count(*) as n_members
    from intermediate.int_cohort_member
    group by definition_id, site
    union all by name
    select definition_id, site, first_case_drug as drug, count(*) as n_cases
    from intermediate.int_cohort_member
    where first_case_onset is not null
    group by definition_id, site, first_case_drug
    union all by name
    select definition_id, site, count(*) as n_members_never_tested
    from intermediate.int_never_tested
    group by definition_id, site
    union all by name
    select definition_id, drug, count(*) as n_exposed, count(*) filter (where is_never_tested) as n_exposed_never_tested
    from intermediate.int_drug_exposed
    group by definition_id, drug
    union all by name
    select risk.definition_id, member.site, risk.drug,
        sum(risk.days_at_risk) as days_at_risk,
        sum(risk.days_at_risk_total) as days_at_risk_total,
        sum(risk.n_anc_tests) as n_anc_tests,
        sum(risk.n_anc_tests_total) as n_anc_tests_total
    from intermediate.int_risk_time as risk
    inner join intermediate.int_cohort_member as member
        on risk.definition_id = member.definition_id and risk.patient_key = member.patient_key
    group by risk.definition_id, member.site, risk.drug
    union all by name
    select definition_id, site, attributed_drug as drug, count(*) as n_episodes
    from main.fct_neutropenia_episode
    where is_case_episode
    group by definition_id, site, attributed_drug
)
select definition_id,{stratum("drug")},
    cast(
        coalesce(case when grouping(drug) = 0 then sum(n_exposed) else sum(n_members) end, 0)
        as bigint
    ) as n_patients,
    cast(
        coalesce(
            case when grouping(drug) = 0 then sum(n_exposed_never_tested) else sum(n_members_never_tested) end, 0
        ) as bigint
    ) as n_never_tested,
    cast(coalesce(sum(n_cases), 0) as bigint) as n_cases,
    cast(coalesce(sum(days_at_risk), 0) as bigint) as days_at_risk,
    cast(coalesce(sum(days_at_risk_total), 0) as bigint) as days_at_risk_total,
    cast(coalesce(sum(n_anc_tests), 0) as bigint) as n_anc_tests,
    cast(coalesce(sum(n_anc_tests_total), 0) as bigint) as n_anc_tests_total,
    cast(coalesce(sum(n_episodes), 0) as bigint) as n_episodes
from facts
group by grouping sets ((definition_id), (definition_id, drug), (definition_id, site))
having {named("drug")}
order by {ORDER}
"""

# The strata of mart_incidence, each with both periods. A patient counts in a period in which there is a day at risk.
_COUNTS_BY_PERIOD = f"""
with periods as (
    select unnest(['first_year', 'later']) as period
),
facts as (
    select definitions.definition_id, periods.period
    from main.dim_case_definition as definitions cross join periods
    union all by name
    select exposed.definition_id, periods.period, exposed.drug
    from intermediate.int_drug_exposed as exposed cross join periods
    union all by name
    select member.definition_id, member.site, periods.period
    from intermediate.int_cohort_member as member cross join periods
    union all by name
    select risk.definition_id, member.site, risk.drug, periods.period, risk.patient_key,
        case periods.period
            when 'first_year' then risk.days_at_risk_first_year
            else risk.days_at_risk - risk.days_at_risk_first_year
        end as days_at_risk,
        case periods.period
            when 'first_year' then risk.n_anc_tests_first_year
            else risk.n_anc_tests - risk.n_anc_tests_first_year
        end as n_anc_tests
    from intermediate.int_risk_time as risk
    cross join periods
    inner join intermediate.int_cohort_member as member
        on risk.definition_id = member.definition_id and risk.patient_key = member.patient_key
    union all by name
    select definition_id, site, first_case_drug as drug,
        case when is_case_of_first_year then 'first_year' else 'later' end as period, 1 as n_cases
    from intermediate.int_cohort_member
    where first_case_onset is not null
)
select definition_id,{stratum("drug")}, period,
    count(distinct patient_key) filter (where days_at_risk > 0) as n_patients,
    count(distinct patient_key) filter (where days_at_risk > 0)
        - count(distinct patient_key) filter (where n_anc_tests > 0) as n_never_tested,
    cast(coalesce(sum(n_cases), 0) as bigint) as n_cases,
    cast(coalesce(sum(days_at_risk), 0) as bigint) as days_at_risk
from facts
group by grouping sets ((definition_id, period), (definition_id, drug, period), (definition_id, site, period))
having {named("drug")}
order by {ORDER}, period
"""


def incidence(connection: duckdb.DuckDBPyConnection) -> Any:
    """Risk and rate with their intervals: a DataFrame, one row per definition and stratum."""
    import pandas as pd

    counts = connection.execute(_COUNTS).df()
    return pd.DataFrame([_incidence_row(row) for row in counts.to_dict("records")])


def incidence_by_period(connection: duckdb.DuckDBPyConnection) -> Any:
    """Rates in the first year on treatment and later: a DataFrame, two rows per definition and stratum.

    The row of the first year has the ratio: its rate divided by the later one.
    """
    import pandas as pd

    counts = connection.execute(_COUNTS_BY_PERIOD).df()
    rows = []
    for _, of_stratum in counts.groupby(STRATUM_KEY, sort=False):
        first_year, later = of_stratum.to_dict("records")
        ratio = rate_ratio_interval(
            first_year["n_cases"],
            _observed_years(first_year),
            later["n_cases"],
            _observed_years(later),
        )
        against_later = {"rate_ratio": ratio.ratio, "rate_ratio_low": ratio.low, "rate_ratio_high": ratio.high}
        rows += [first_year | _rate(first_year) | against_later, later | _rate(later)]
    return pd.DataFrame(rows)


def _incidence_row(counts: dict[str, Any]) -> dict[str, Any]:
    """Turn the counts of one stratum into its row of `mart_incidence`."""
    person_years_total = counts["days_at_risk_total"] / DAYS_PER_YEAR
    risk = risk_interval(counts["n_cases"], counts["n_patients"] if _is_tested(counts) else 0)
    rate = _rate(counts)
    return {
        **counts,
        "risk_pct": risk.pct,
        "risk_low": risk.low,
        "risk_high": risk.high,
        "risk_low_wilson": risk.low_wilson,
        "risk_high_wilson": risk.high_wilson,
        **rate,
        "person_years_total": person_years_total,
        "episode_rate_per_100py": _per(
            100 * counts["n_episodes"], person_years_total if counts["n_anc_tests_total"] else 0
        ),
        "anc_tests_per_py": _per(counts["n_anc_tests"], rate["person_years"]),
    }


def _is_tested(counts: dict[str, Any]) -> bool:
    """Whether a stratum has any ANC at risk; otherwise its risk and rate are unknown."""
    return bool(counts["n_never_tested"] < counts["n_patients"])


def _observed_years(counts: dict[str, Any]) -> float:
    """Person-years at risk in which a case could be observed: 0 if no patient was tested."""
    return counts["days_at_risk"] / DAYS_PER_YEAR if _is_tested(counts) else 0


def _rate(counts: dict[str, Any]) -> dict[str, Any]:
    rate = rate_interval(counts["n_cases"], _observed_years(counts))
    return {
        "person_years": counts["days_at_risk"] / DAYS_PER_YEAR,
        "rate_per_100py": rate.per_100py,
        "rate_low": rate.low,
        "rate_high": rate.high,
        "rate_low_logwald": rate.low_logwald,
        "rate_high_logwald": rate.high_logwald,
    }


def _per(count: int, person_years: float) -> float | None:
    return count / person_years if person_years > 0 else None
