"""The public tables: incidence by drug, measures of the cohort and of the cases. None is a suppressed figure.

Anything computed from a count (percentage, rate, interval) is shown only with that count. Every table has the same rows
whatever is suppressed, except for the drugs, which are pooled.
"""

from __future__ import annotations

from typing import Any

from registry.release.public.counts import CASE_MEASURES, COHORT_MEASURES, Read
from registry.release.public.suppression import Drugs, Shown
from registry.statistics.intervals import rate_interval, risk_interval

Table = list[dict[str, Any]]

_RISK = ("risk_pct", "risk_low", "risk_high")
_RATE = ("rate_per_100py", "rate_low", "rate_high")


def tables(read: Read, shown: Shown) -> dict[str, Table]:
    """Every table of the public part, by name."""
    return {
        "incidence": [_incidence(read, shown, drugs) for drugs in shown.strata],
        "cohort": [
            _measure(
                "all drugs",
                measure,
                (read.counts.cohort or {})[measure] if measure in shown.cohort_measures else None,
                read.counts.n_patients if shown.patients else None,
            )
            for measure in COHORT_MEASURES
        ],
        "cases": [
            _case_measure(read, shown, measure, drugs)
            for drugs in shown.strata
            if drugs == shown.strata[0] or drugs in shown.cases
            for measure in CASE_MEASURES
        ],
    }


def _incidence(read: Read, shown: Shown, drugs: Drugs) -> dict[str, Any]:
    row: dict[str, Any] = {"stratum": _name(read, drugs)}
    n_patients = read.counts.patients(drugs) if drugs != shown.strata[0] else read.counts.n_patients
    person_years = sum(read.person_years.get(drug, 0.0) for drug in drugs)
    n_cases = len(read.counts.cases_of(drugs))
    row |= {
        "n_patients": n_patients if shown.patients else None,
        "n_cases": n_cases if drugs in shown.cases else None,
        **dict.fromkeys(_RISK),
        "person_years": round(person_years, 1) if shown.patients else None,
        **dict.fromkeys(_RATE),
    }
    if drugs in shown.cases:
        risk = risk_interval(n_cases, n_patients)
        # from the rounded person-years, so that the rate reveals no more than they do
        rate = rate_interval(n_cases, row["person_years"])
        row |= dict(zip(_RISK, map(_rounded, (risk.pct, risk.low, risk.high)), strict=True))
        row |= dict(zip(_RATE, map(_rounded, (rate.per_100py, rate.low, rate.high)), strict=True))
    return row


def _case_measure(read: Read, shown: Shown, measure: str, drugs: Drugs) -> dict[str, Any]:
    cases = read.counts.cases_of(drugs)
    is_overall = drugs == shown.strata[0]
    is_shown = measure in shown.measures or (is_overall and measure in shown.overall_measures)
    n = sum(measure in case.measures for case in cases)
    return _measure(_name(read, drugs), measure, n if is_shown else None, len(cases) if drugs in shown.cases else None)


def _measure(stratum: str, measure: str, n: int | None, of: int | None) -> dict[str, Any]:
    share = risk_interval(n, of) if n is not None and of is not None else risk_interval(0, 0)
    return {
        "stratum": stratum,
        "measure": measure,
        "n": n,
        "denominator": of,
        "share_pct": _rounded(share.pct),
        "share_low": _rounded(share.low),
        "share_high": _rounded(share.high),
    }


def _name(read: Read, drugs: Drugs) -> str:
    """The name of a stratum: a drug, all drugs, or the drugs of a pool; depends only on the drugs of the class."""
    if len(drugs) == 1:
        return next(iter(drugs))
    return "all drugs" if len(drugs) == len(read.counts.drugs) else "pooled: " + ", ".join(sorted(drugs))


def _rounded(figure: float | None) -> float | None:
    return None if figure is None else round(figure, 2)
