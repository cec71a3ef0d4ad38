"""Counts over patients: incidence, recurrence, cases and attrition.

Counts and days only; intervals and survival are left to the libraries that compute them.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from statistics import median
from typing import Any

from .episodes import Measurement
from .outcomes import treatment_after
from .patient import PatientResult

EXCLUSIONS = ("never_treated", "missing_demographics", "outside_enrolment", "baseline_neutropenia")
SEVERE_BELOW = Decimal("0.5")


def incidence(definition_id: str, results: Sequence[PatientResult]) -> list[dict[str, Any]]:
    """Counts overall, by drug (patients exposed before their case) and by site."""
    cohort = [r for r in results if r.in_cohort]
    rows = [_stratum(definition_id, "overall", "overall", cohort, None)]
    # A drug first given after a case has no patients here, yet time and episodes in the totals.
    drugs = sorted(
        {drug for r in cohort for drug in r.exposed_drugs()} | {row["drug"] for r in cohort for row in r.risk_rows}
    )
    rows += [_stratum(definition_id, "drug", drug, cohort, drug) for drug in drugs]
    for site in sorted({r.history.site for r in cohort}):
        at_site = [r for r in cohort if r.history.site == site]
        rows.append(_stratum(definition_id, "site", site, at_site, None))
    return rows


def _stratum(
    definition_id: str,
    stratum_type: str,
    stratum: str,
    cohort: Sequence[PatientResult],
    drug: str | None,
) -> dict[str, Any]:
    def of_drug(name: str | None) -> bool:
        return drug is None or name == drug

    risk = [row for r in cohort for row in r.risk_rows if of_drug(row["drug"])]
    members = cohort if drug is None else [r for r in cohort if drug in r.exposed_drugs()]
    first = [r.cases[0] for r in cohort if r.cases]
    episodes = [e for r in cohort for e in r.cases]
    return {
        "definition_id": definition_id,
        "stratum_type": stratum_type,
        "stratum": stratum,
        "n_patients": len(members),
        "n_never_tested": sum(r.never_tested(drug) for r in members),
        "n_cases": sum(of_drug(e.attribution.dose.drug) for e in first if e.attribution),
        "n_episodes": sum(of_drug(e.attribution.dose.drug) for e in episodes if e.attribution),
        "days_at_risk": sum(row["days_at_risk"] for row in risk),
        "days_at_risk_total": sum(row["days_at_risk_total"] for row in risk),
        "n_anc_tests": sum(row["n_anc_tests"] for row in risk),
        "n_anc_tests_total": sum(row["n_anc_tests_total"] for row in risk),
        "n_anc_days": sum(row["n_anc_days"] for row in risk),
    }


def incidence_by_period(definition_id: str, results: Sequence[PatientResult]) -> list[dict[str, Any]]:
    """Cases and days at risk in the first year on treatment and later, by the strata of `incidence`."""
    cohort = [r for r in results if r.in_cohort]
    rows = []
    for stratum in incidence(definition_id, results):
        kind, name = stratum["stratum_type"], stratum["stratum"]
        members = [r for r in cohort if kind != "site" or r.history.site == name]
        for period in ("first_year", "later"):
            drug = name if kind == "drug" else None
            days = [_in_period(r, "days_at_risk", drug, period) for r in members]
            tests = [_in_period(r, "n_anc_tests", drug, period) for r in members]
            cases = [
                r
                for r in members
                if r.first_case
                and r.first_case.attribution
                and (kind != "drug" or r.first_case.attribution.dose.drug == name)
                and r.in_first_year(r.first_case.episode.onset) == (period == "first_year")
            ]
            rows.append(
                {
                    "definition_id": definition_id,
                    "stratum_type": kind,
                    "stratum": name,
                    "period": period,
                    "n_patients": sum(n > 0 for n in days),
                    "n_never_tested": sum(n > 0 and not tested for n, tested in zip(days, tests, strict=True)),
                    "n_cases": len(cases),
                    "days_at_risk": sum(days),
                }
            )
    return rows


def _in_period(result: PatientResult, what: str, drug: str | None, period: str) -> int:
    """Days at risk of a patient, or counts on them, in a period, on one drug or on any."""
    rows = [row for row in result.risk_rows if drug in (None, row["drug"])]
    first_year = sum(row[f"{what}_first_year"] for row in rows)
    return first_year if period == "first_year" else sum(row[what] for row in rows) - first_year


TREATMENTS_AFTER = ("all", "same_drug", "same_drug_recorded", "another_in_class", "out_of_class", "none")


def recurrence(definition_id: str, results: Sequence[PatientResult]) -> list[dict[str, Any]]:
    """Of the cases who were given a treatment after their episode, how many recurred with it as the last.

    Each case once, by the episode that a recurrence is held against; one given several treatments
    counts among those given each.
    """
    cases = [row for r in results for row in r.rechallenge_rows() if row["is_counted_in_recurrence"]]
    rows = []
    for treatment in TREATMENTS_AFTER:
        if treatment == "all":
            those = [(row, row["onset_date"]) for row in cases]
        elif treatment == "none":
            those = [(row, row["onset_date"]) for row in cases if row["last_treatment"] == "none"]
        else:
            those = [(row, row[f"{treatment}_date"]) for row in cases if row[f"{treatment}_date"]]
        of = treatment.removesuffix("_recorded")
        recurrent = [row for row, _ in those if row["recurred"] and of in ("all", row["last_treatment"])]
        followed = [row["follow_up_days"] - (since - row["onset_date"]).days for row, since in those]
        rows.append(
            {
                "definition_id": definition_id,
                "treatment_after": treatment,
                "n_patients": len(those),
                "n_never_tested": sum(row["last_count_at_risk_date"] <= since for row, since in those),
                "n_recurrent": len(recurrent),
                "median_follow_up_days": median(followed) if followed else None,
            }
        )
    return rows


def case_listing(definition_id: str, results: Sequence[PatientResult]) -> list[dict[str, Any]]:
    """One row a case; `worst_severity` is that of the lowest nadir, NULL where that is open."""
    rows = []
    for result in (r for r in results if r.cases):
        first, last = result.cases[0], result.cases[-1]
        assert first.attribution
        assert last.attribution
        own = [row for row in result.episode_rows() if row["is_case_episode"]]
        nadirs = [e.episode.nadir for e in result.cases]
        lowest, of_lowest = min(zip(nadirs, own, strict=True), key=lambda pair: pair[0].height)
        action, next_drug = treatment_after(result.history, last.episode.onset, last.attribution)
        rows.append(
            {
                "definition_id": definition_id,
                "site": result.history.site,
                "patient_id": result.history.patient.patient_id,
                "drug": first.attribution.dose.drug,
                "first_onset_date": first.episode.onset,
                "n_episodes": len(result.cases),
                "worst_severity": of_lowest["severity"],
                "worst_ctcae_v5_grade": of_lowest["ctcae_v5_grade"],
                "possibly_severe": _may_be_severe(nadirs) and all(row["ctcae_v5_grade"] != "4" for row in own),
                "nadir_anc_10e9_l": lowest.value,
                "nadir_operator": lowest.operator,
                "onset_type": first.attribution.onset_type,
                "days_since_last_dose": first.attribution.days,
                "gcsf_treated": any(row["gcsf_treated"] for row in own),
                "infection": any(row["infection"] for row in own),
                "hospitalised": any(row["hospitalised"] for row in own),
                "recurred": any((e.recurrence_number or 0) >= 1 for e in result.cases),
                "final_treatment_action": action,
                "next_drug": next_drug,
            }
        )
    return rows


def _may_be_severe(nadirs: Sequence[Measurement]) -> bool:
    """Some nadir is told as a bound below, which reaches from above 0.5 to 0."""
    return any(
        nadir.value > SEVERE_BELOW if nadir.operator == "<" else nadir.operator == "<=" and nadir.value >= SEVERE_BELOW
        for nadir in nadirs
    )


def attrition(results: Sequence[PatientResult]) -> list[dict[str, Any]]:
    """One row a reason for exclusion, in the order of judging."""
    rows, left = [], len(results)
    for reason in EXCLUSIONS:
        excluded = sum(r.exclusion == reason for r in results)
        rows.append({"reason": reason, "n_in": left, "n_excluded": excluded, "n_out": left - excluded})
        left -= excluded
    return rows
