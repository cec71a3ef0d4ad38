"""Counts over patients: incidence, cases, attrition, sensitivity and monitoring.

Counts and days only; intervals and survival are left to the libraries that compute them.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from statistics import median
from typing import Any

from .codes import DRUGS
from .episodes import Measurement, measurements
from .history import History
from .outcomes import treatment_after
from .patient import AssessedEpisode, PatientResult, patient_died

EXCLUSIONS = ("never_treated", "missing_demographics", "outside_enrolment", "baseline_neutropenia")
MONITORED_DAYS = 365
SEVERE_BELOW = Decimal("0.5")


def incidence(definition_id: str, results: Sequence[PatientResult]) -> list[dict[str, Any]]:
    """Counts overall, by drug (patients exposed before their case) and by site."""
    cohort = [r for r in results if r.in_cohort]
    rows = [_stratum(definition_id, "overall", "overall", cohort, None)]
    # A drug first given after a case has no patients here, yet time and episodes in the totals.
    drugs = sorted(
        {drug for r in cohort for drug in r.exposed_drugs()} | {row["drug"] for r in cohort for row in r.risk_rows()}
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

    risk = [row for r in cohort for row in r.risk_rows() if of_drug(row["drug"])]
    members = cohort if drug is None else [r for r in cohort if drug in r.exposed_drugs()]
    first = [r.cases[0] for r in cohort if r.cases]
    episodes = [e for r in cohort for e in r.cases]
    return {
        "definition_id": definition_id,
        "stratum_type": stratum_type,
        "stratum": stratum,
        "n_patients": len(members),
        "n_cases": sum(of_drug(e.attribution.dose.drug) for e in first if e.attribution),
        "n_episodes": sum(of_drug(e.attribution.dose.drug) for e in episodes if e.attribution),
        "days_at_risk": sum(row["days_at_risk"] for row in risk),
        "days_at_risk_total": sum(row["days_at_risk_total"] for row in risk),
        "n_anc_tests": sum(row["n_anc_tests"] for row in risk),
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
            days = [_days(r, name if kind == "drug" else None, period) for r in members]
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
                    "n_cases": len(cases),
                    "days_at_risk": sum(days),
                }
            )
    return rows


def _days(result: PatientResult, drug: str | None, period: str) -> int:
    """Days at risk of a patient in a period, on one drug or on any."""
    rows = [row for row in result.risk_rows() if drug in (None, row["drug"])]
    first_year = sum(row["days_at_risk_first_year"] for row in rows)
    return first_year if period == "first_year" else sum(row["days_at_risk"] for row in rows) - first_year


TREATMENTS_AFTER = ("all", "same_drug", "another_in_class", "out_of_class", "none")


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
        recurrent = [row for row, _ in those if row["recurred"] and treatment in ("all", row["last_treatment"])]
        followed = [row["follow_up_days"] - (since - row["onset_date"]).days for row, since in those]
        rows.append(
            {
                "definition_id": definition_id,
                "treatment_after": treatment,
                "n_patients": len(those),
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
                "n_episodes": len(result.cases),
                "worst_severity": of_lowest["severity"],
                "possibly_severe": _may_be_severe(nadirs) and all(row["ctcae_v5_grade"] != "4" for row in own),
                "nadir_anc_10e9_l": lowest.value,
                "onset_type": first.attribution.onset_type,
                "gcsf_treated": any(row["gcsf_treated"] for row in own),
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


def sensitivity(definition_id: str, results: Sequence[PatientResult]) -> dict[str, Any]:
    """Cases, case episodes and recurrent cases of a definition."""
    cases = case_listing(definition_id, results)
    return {
        "definition_id": definition_id,
        "n_patients": sum(r.in_cohort for r in results),
        "n_cases": len(cases),
        "n_episodes": sum(row["n_episodes"] for row in cases),
        "n_recurrent": sum(row["recurred"] for row in cases),
    }


def attrition(results: Sequence[PatientResult]) -> list[dict[str, Any]]:
    """One row a reason for exclusion, in the order of judging."""
    rows, left = [], len(results)
    for reason in EXCLUSIONS:
        excluded = sum(r.exclusion == reason for r in results)
        rows.append({"reason": reason, "n_in": left, "n_excluded": excluded, "n_out": left - excluded})
        left -= excluded
    return rows


def monitoring(results: Sequence[PatientResult], anc_interval_days: int) -> list[dict[str, Any]]:
    """Patients with a last dose at most 365 days before their end of observation."""
    rows = []
    for result in results:
        history = result.history
        doses, end = history.class_doses, history.observation_end
        if not doses or (end - doses[-1].day).days > MONITORED_DAYS:
            continue
        last_anc = max((r.day for r in history.anc), default=None)
        days = (end - last_anc).days if last_anc else None
        unresolved = [e for e in result.episodes if _is_unresolved(result, e)]
        switched_to = _switched_to(history)
        rows.append(
            {
                "site": history.site,
                "patient_id": history.patient.patient_id,
                "last_dose_date": doses[-1].day,
                "last_drug": doses[-1].drug,
                "last_anc_date": last_anc,
                "days_since_anc": days,
                "anc_overdue": days is None or days > anc_interval_days,
                "open_episode": any(e.episode.end_status == "ongoing" for e in result.episodes),
                "unresolved_episode": bool(unresolved),
                "switched_to": switched_to,
                "last_contact_date": history.last_contact,
                "deceased": patient_died(history),
                "is_followed": not patient_died(history)
                and bool(not switched_to or _has_open_line(history) or unresolved),
            }
        )
    return rows


def _is_unresolved(result: PatientResult, assessed: AssessedEpisode) -> bool:
    """Ongoing, or lost without a recovery on a later day; a laboratory error is no neutropenia."""
    if assessed.adjudication == "lab_error" or assessed.episode.end_status == "recovered":
        return False
    end = assessed.episode.end
    series = measurements(result.history.anc, result.definition)
    return end is None or not any(m.recovered and m.day > end for m in series)


def _switched_to(history: History) -> str | None:
    """The drug out of the class whose line, still open, began last after the last dose that is not assumed."""
    last = max(dose.day for dose in history.class_doses if dose.source != "assumed")
    others = [line for line in history.lines if DRUGS[line.drug].drug_class == "other" and line.end is None]
    lines = [line for line in others if line.start > last]
    return max(lines, key=lambda line: (line.start, line.drug)).drug if lines else None


def _has_open_line(history: History) -> bool:
    """A line of an anti-CD20 drug has no end."""
    return any(line.end is None for line in history.lines if DRUGS[line.drug].drug_class == "anti_cd20")
