"""Risk and rate with their intervals: `mart_incidence`, and by period on treatment `mart_incidence_by_period`.

Patients, cases and days at risk are counted by the models count_incidence and count_incidence_by_period.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from registry.statistics.intervals import rate_interval, rate_ratio_interval, risk_interval
from registry.statistics.table import DAYS_PER_YEAR, STRATUM_KEY, counts_of

if TYPE_CHECKING:
    import duckdb


def incidence(connection: duckdb.DuckDBPyConnection) -> Any:
    """Risk and rate with their intervals: a DataFrame, one row per definition and stratum."""
    import pandas as pd

    counts = counts_of(connection, "count_incidence")
    return pd.DataFrame([_incidence_row(row) for row in counts.to_dict("records")])


def incidence_by_period(connection: duckdb.DuckDBPyConnection) -> Any:
    """Rates in the first year on treatment and later: a DataFrame, two rows per definition and stratum.

    The row of the first year has the ratio: its rate divided by the later one.
    """
    import pandas as pd

    counts = counts_of(connection, "count_incidence_by_period", "period")
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
