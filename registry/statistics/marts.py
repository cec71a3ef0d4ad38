"""The marts that hold statistics: `mart_incidence`, `mart_time_to_onset`, `mart_review_agreement`.

The database counts (patients, cases, days at risk, patients a day of follow-up); this module turns
the counts into rates, intervals and curves. Rows are sorted and numbers rounded to ten significant
digits, so that the same input gives the same content whatever the machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from registry.statistics.agreement import AGREEMENT_TYPES, review_agreement
from registry.statistics.intervals import rate_interval, risk_interval
from registry.statistics.survival import kaplan_meier

if TYPE_CHECKING:
    import duckdb

    from registry.settings import Settings

_DAYS_PER_YEAR = 365.25
_SIGNIFICANT_DIGITS = 10

_INCIDENCE_TYPES = {
    "definition_id": "VARCHAR",
    "stratum_type": "VARCHAR",
    "stratum": "VARCHAR",
    "n_patients": "BIGINT",
    "n_cases": "BIGINT",
    "risk_pct": "DOUBLE",
    "risk_low": "DOUBLE",
    "risk_high": "DOUBLE",
    "person_years": "DOUBLE",
    "rate_per_100py": "DOUBLE",
    "rate_low": "DOUBLE",
    "rate_high": "DOUBLE",
    "rate_low_logwald": "DOUBLE",
    "rate_high_logwald": "DOUBLE",
    "n_episodes": "BIGINT",
    "person_years_total": "DOUBLE",
    "episode_rate_per_100py": "DOUBLE",
    "anc_tests_per_py": "DOUBLE",
}
_TIME_TO_ONSET_TYPES = {
    "definition_id": "VARCHAR",
    "stratum_type": "VARCHAR",
    "stratum": "VARCHAR",
    "time_days": "BIGINT",
    "at_risk": "BIGINT",
    "events": "BIGINT",
    "survival": "DOUBLE",
    "ci_low": "DOUBLE",
    "ci_high": "DOUBLE",
}

# What a stratum is called. Drug and site never stand in one row: strata are margins, not cells.
_STRATUM = """
    case
        when grouping({drug}) = 0 then 'drug'
        when grouping(site) = 0 then 'site'
        else 'overall'
    end as stratum_type,
    coalesce({drug}, site, 'all') as stratum"""
_NAMED = "(grouping({drug}) = 1 or {drug} is not null) and (grouping(site) = 1 or site is not null)"
_ORDER = "definition_id, position(stratum_type in 'overall drug site'), stratum"

# A patient counts for each drug taken before the first case episode, a case for the drug of that
# episode, a day for the drug of the last dose before it, an episode for the drug that it is
# attributed to. A definition whose cohort is empty still has its row.
_INCIDENCE_COUNTS = f"""
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
    select definition_id, drug, count(*) as n_exposed
    from intermediate.int_drug_exposed
    group by definition_id, drug
    union all by name
    select risk.definition_id, member.site, risk.drug,
        sum(risk.days_at_risk) as days_at_risk,
        sum(risk.days_at_risk_total) as days_at_risk_total,
        sum(risk.n_anc_tests) as n_anc_tests
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
select definition_id,{_STRATUM.format(drug="drug")},
    cast(
        coalesce(case when grouping(drug) = 0 then sum(n_exposed) else sum(n_members) end, 0)
        as bigint
    ) as n_patients,
    cast(coalesce(sum(n_cases), 0) as bigint) as n_cases,
    cast(coalesce(sum(days_at_risk), 0) as bigint) as days_at_risk,
    cast(coalesce(sum(days_at_risk_total), 0) as bigint) as days_at_risk_total,
    cast(coalesce(sum(n_anc_tests), 0) as bigint) as n_anc_tests,
    cast(coalesce(sum(n_episodes), 0) as bigint) as n_episodes
from facts
group by grouping sets ((definition_id), (definition_id, drug), (definition_id, site))
having {_NAMED.format(drug="drug")}
order by {_ORDER}
"""

# From the index date to the onset of the first case episode; without one, to the end of follow-up.
_FOLLOW_UP_COUNTS = f"""
with follow_up as (
    select definition_id, site, first_drug, first_case_onset,
        coalesce(first_case_onset, follow_up_end) - index_date as time_days
    from intermediate.int_cohort_member
)
select definition_id,{_STRATUM.format(drug="first_drug")},
    time_days, count(*) as n_patients, count(first_case_onset) as n_events
from follow_up
group by grouping sets (
    (definition_id, time_days),
    (definition_id, first_drug, time_days),
    (definition_id, site, time_days)
)
having {_NAMED.format(drug="first_drug")}
order by {_ORDER}, time_days
"""


def write_statistics(settings: Settings) -> dict[str, int]:
    """Write the marts into the warehouse, whole or not at all, and return their numbers of rows.

    Reads int_cohort_member, int_risk_time, int_drug_exposed and int_verdict_pair (schema intermediate),
    fct_neutropenia_episode and dim_case_definition (schema main). Risk is in per cent, rates are
    per 100 person-years, times in days.
    """
    import duckdb

    from registry.settings import connect_options

    with duckdb.connect(str(settings.warehouse), config=connect_options(settings)) as connection:
        return write_marts(connection)


def write_marts(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Write the marts through an open connection, in one transaction; see `write_statistics`."""
    marts = {
        "mart_incidence": (_INCIDENCE_TYPES, incidence(connection)),
        "mart_time_to_onset": (_TIME_TO_ONSET_TYPES, time_to_onset(connection)),
        "mart_review_agreement": (AGREEMENT_TYPES, _typed(review_agreement(connection), AGREEMENT_TYPES)),
    }
    connection.begin()
    try:
        for name, (types, rows) in marts.items():
            columns = ", ".join(f"{column} {type_}" for column, type_ in types.items())
            connection.execute(f"create or replace table main.{name} ({columns})")
            connection.register("statistics_rows", rows)
            connection.execute(f"insert into main.{name} select {', '.join(types)} from statistics_rows")
            connection.unregister("statistics_rows")
        connection.commit()
    except BaseException:
        connection.rollback()
        raise
    return {name: len(rows) for name, (_, rows) in marts.items()}


def incidence(connection: duckdb.DuckDBPyConnection) -> Any:
    """Risk and rate with their intervals: a DataFrame, one row a definition and stratum."""
    import pandas as pd

    counts = connection.execute(_INCIDENCE_COUNTS).df()
    rows = [_incidence_row(row) for row in counts.to_dict("records")]
    return _typed(pd.DataFrame(rows, columns=list(_INCIDENCE_TYPES)), _INCIDENCE_TYPES)


def time_to_onset(connection: duckdb.DuckDBPyConnection) -> Any:
    """Kaplan-Meier curves: a DataFrame, one row a definition, stratum and distinct time."""
    import pandas as pd

    counts = connection.execute(_FOLLOW_UP_COUNTS).df()
    keys = ["definition_id", "stratum_type", "stratum"]
    curves = [
        kaplan_meier(of_stratum).assign(**dict(zip(keys, stratum, strict=True)))
        for stratum, of_stratum in counts.groupby(keys, sort=False)
    ]
    rows = pd.concat(curves, ignore_index=True) if curves else pd.DataFrame()
    return _typed(rows.reindex(columns=list(_TIME_TO_ONSET_TYPES)), _TIME_TO_ONSET_TYPES)


def _incidence_row(counts: dict[str, Any]) -> dict[str, Any]:
    """Turn the counts of one stratum into its row of `mart_incidence`."""
    person_years = counts["days_at_risk"] / _DAYS_PER_YEAR
    person_years_total = counts["days_at_risk_total"] / _DAYS_PER_YEAR
    risk = risk_interval(counts["n_cases"], counts["n_patients"])
    rate = rate_interval(counts["n_cases"], person_years)
    return {
        **{column: counts[column] for column in _INCIDENCE_TYPES if column in counts},
        "risk_pct": risk.pct,
        "risk_low": risk.low,
        "risk_high": risk.high,
        "person_years": person_years,
        "rate_per_100py": rate.per_100py,
        "rate_low": rate.low,
        "rate_high": rate.high,
        "rate_low_logwald": rate.low_logwald,
        "rate_high_logwald": rate.high_logwald,
        "person_years_total": person_years_total,
        "episode_rate_per_100py": _per(100 * counts["n_episodes"], person_years_total),
        "anc_tests_per_py": _per(counts["n_anc_tests"], person_years),
    }


def _per(count: int, person_years: float) -> float | None:
    return count / person_years if person_years > 0 else None


def _typed(rows: Any, types: dict[str, str]) -> Any:
    """Give columns the type of their mart and round numbers to ten significant digits."""
    of_type = {"VARCHAR": "object", "BIGINT": "int64", "DOUBLE": "float64"}
    rows = rows.astype({column: of_type[type_] for column, type_ in types.items()})
    for column in (column for column, type_ in types.items() if type_ == "DOUBLE"):
        rows[column] = [float(f"{value:.{_SIGNIFICANT_DIGITS - 1}e}") for value in rows[column]]
    return rows
