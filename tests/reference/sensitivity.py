"""How the result moves between definitions, and when a choice is made otherwise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from .codes import six_places
from .history import Dose
from .incidence import case_listing
from .patient import PatientResult

COUNTS = ("exposed", "days_at_risk", "n_anc_tests", "n_episodes", "n_cases", "n_recurrent")


def sensitivity(definition_id: str, results: Sequence[PatientResult]) -> dict[str, Any]:
    """Cases, case episodes and recurrent cases of a definition, with the risk and the rate."""
    cases = case_listing(definition_id, results)
    members = sum(r.in_cohort for r in results)
    days = sum(row["days_at_risk"] for r in results for row in r.risk_rows)
    never_tested = sum(r.in_cohort and r.never_tested() for r in results)
    return _risk_and_rate(len(cases), members, never_tested, days) | {
        "definition_id": definition_id,
        "n_patients": members,
        "n_never_tested": never_tested,
        "n_cases": len(cases),
        "n_episodes": sum(row["n_episodes"] for row in cases),
        "n_recurrent": sum(row["recurred"] for row in cases),
    }


def _risk_and_rate(n_cases: int, n_patients: int, never_tested: int, days: int) -> dict[str, Any]:
    """Per 100 patients, per 100 person-years; None of none, and where none of them was ever tested."""
    tested = n_patients > never_tested
    return {
        "risk_pct": float(six_places(100 * Decimal(n_cases) / n_patients)) if tested else None,
        "rate_per_100py": float(six_places(n_cases * Decimal(36525) / days)) if tested and days else None,
    }


def by_drug(definition_id: str, results: Sequence[PatientResult]) -> list[dict[str, Any]]:
    """A patient's part in the counts of each drug, by either way of attribution.

    `last_drug`: as everywhere. `drug_before`: after a switch, a day and an episode at most `attribution_days` after the
    last dose of the anti-CD20 drug before are that drug's. Which drugs a patient was exposed to is the same in both.
    """
    rows = []
    for result in (r for r in results if r.in_cohort):
        for attribution, moved in (("last_drug", False), ("drug_before", True)):
            counts = {drug: Counter({"exposed": 1}) for drug in result.exposed_drugs()}
            first = result.first_case
            tests = Counter(r.day for r in result.history.anc)
            for day, _ in result.days_at_risk:
                if first is None or day <= first.episode.onset:
                    count = counts.setdefault(_drug_on(result, day, moved), Counter())
                    count["days_at_risk"] += 1
                    count["n_anc_tests"] += tests[day]
            for episode in result.cases:
                count = counts.setdefault(_drug_on(result, episode.episode.onset, moved), Counter())
                count["n_episodes"] += 1
                if episode is first:
                    count["n_cases"] += 1
                    count["n_recurrent"] += any((e.recurrence_number or 0) >= 1 for e in result.cases)
            rows += [
                {
                    "attribution": attribution,
                    "definition_id": definition_id,
                    "site": result.history.site,
                    "patient_id": result.history.patient.patient_id,
                    "drug": drug,
                }
                | {name: count[name] for name in COUNTS}
                for drug, count in counts.items()
            ]
    return rows


def _drug_on(result: PatientResult, day: date, moved: bool) -> str:
    """The drug that a day at risk, or an onset, is laid to."""
    doses = result.history.doses_before(day)
    last = doses[-1]
    others: list[Dose] = [dose for dose in doses if dose.drug != last.drug]
    window = timedelta(days=result.definition.attribution_days)
    return others[-1].drug if moved and others and day - others[-1].day <= window else last.drug


ANALYSES: dict[str, tuple[str, Callable[[PatientResult], bool]]] = {
    "main": ("last_drug", lambda r: True),
    "without_duffy_null": ("last_drug", lambda r: not r.history.patient.duffy_null),
    "with_baseline_anc": ("last_drug", lambda r: not r.patient_row()["no_baseline_anc"]),
    "late_effects_to_drug_before": ("drug_before", lambda r: True),
}


def analyses(definition_id: str, results: Sequence[PatientResult]) -> list[dict[str, Any]]:
    """Counts and days of each analysis, overall and by drug."""
    rows = []
    for analysis, (attribution, belongs) in ANALYSES.items():
        members = [r for r in results if r.in_cohort and belongs(r)]
        facts = [row for row in by_drug(definition_id, members) if row["attribution"] == attribution]
        for drug in (None, *sorted({row["drug"] for row in facts})):
            those = [row for row in facts if drug in (None, row["drug"])]
            total = {name: sum(row[name] for row in those) for name in COUNTS}
            n_patients = total["exposed"] if drug else len(members)
            if drug:
                never_tested = sum(row["exposed"] > 0 and row["n_anc_tests"] == 0 for row in those)
            else:
                never_tested = sum(r.never_tested() for r in members)
            rows.append(
                {
                    "definition_id": definition_id,
                    "analysis": analysis,
                    "stratum": drug or "all",
                    "n_patients": n_patients,
                    "n_never_tested": never_tested,
                }
                | total
                | _risk_and_rate(total["n_cases"], n_patients, never_tested, total["days_at_risk"])
            )
    return rows
