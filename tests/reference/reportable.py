"""Who may have to be reported with severe neutropenia under treatment, in the cohort or not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from .assess import ADJUDICATED_AWAY
from .episodes import measurements
from .grades import grade, unit_in_doubt
from .history import History
from .model import Lab
from .patient import AssessedEpisode, PatientResult

_RANK = {"<": 0, "<=": 1, None: 2}


def reportable(results: Sequence[PatientResult]) -> list[dict[str, Any]]:
    """Severe or possibly severe episodes of the primary definition, and days with leukocytes below 0.5 alone."""
    return [row for result in results for row in (*_episodes(result), *_leukocytes(result))]


def _episodes(result: PatientResult) -> Iterator[dict[str, Any]]:
    for assessed in result.episodes:
        is_severe = _is_severe(result, assessed)
        if is_severe is not None and assessed.adjudication not in ADJUDICATED_AWAY:
            yield _row(result, "episode", assessed.episode.onset) | {
                "possibly_severe": not is_severe,
                "is_case_episode": assessed.is_case,
                "attributed_drug": assessed.attribution.dose.drug if assessed.attribution else None,
                "leukocytes_10e9_l": None,
                "leukocytes_operator": None,
            }


def _is_severe(result: PatientResult, assessed: AssessedEpisode) -> bool | None:
    """Severe for certain, perhaps (False) or not (None): by the nadir, or if unattributed by counts under treatment."""
    if assessed.attribution:
        values = [(assessed.episode.nadir.value, assessed.episode.nadir.operator)]
    else:
        last = assessed.episode.end or result.history.observation_end
        values = [
            (m.value, m.operator)
            for anc in result.history.anc
            if assessed.episode.onset <= anc.day <= last and _under_treatment(result, anc.day)
            for m in measurements([anc], result.definition)
            if m.low
        ]
    grades = [grade("udine_2025", value, operator, None) for value, operator in values]
    if "severe" in grades:
        return True
    open_bound = any(g is None and o in ("<", "<=") for g, (_, o) in zip(grades, values, strict=True))
    return False if open_bound else None


def _under_treatment(result: PatientResult, day: date) -> bool:
    before = result.history.doses_before(day)
    return bool(before) and (day - before[-1].day).days <= result.definition.attribution_days


def _leukocytes(result: PatientResult) -> Iterator[dict[str, Any]]:
    days: dict[date, list[Lab]] = {}
    for lab in result.history.leukocytes_without_anc:
        severe = not unit_in_doubt("wbc", lab.value) and grade("udine_2025", lab.value, lab.operator, None) == "severe"
        if severe and _under_treatment(result, lab.at.date()) and not _is_covered(result, lab.at.date()):
            days.setdefault(lab.at.date(), []).append(lab)
    for day, labs in sorted(days.items()):
        lowest = min(labs, key=lambda lab: (lab.value, _RANK[lab.operator]))
        yield _row(result, "leukocytes", day) | {
            "possibly_severe": True,
            "is_case_episode": False,
            "attributed_drug": result.history.doses_before(day)[-1].drug,
            "leukocytes_10e9_l": lowest.value,
            "leukocytes_operator": lowest.operator,
        }


def _is_covered(result: PatientResult, day: date) -> bool:
    """A severe episode holds the day, which is listed or which a review has ruled out."""
    for assessed in result.episodes:
        if assessed.episode.onset <= day <= (assessed.episode.end or result.history.observation_end):
            nadir = assessed.episode.nadir
            ruled_out = assessed.adjudication in ADJUDICATED_AWAY
            if _is_severe(result, assessed) or (
                ruled_out and grade("udine_2025", nadir.value, nadir.operator, None) == "severe"
            ):
                return True
    return False


def _row(result: PatientResult, basis: str, day: date) -> dict[str, Any]:
    history: History = result.history
    return {
        "site": history.site,
        "patient_id": history.patient.patient_id,
        "definition_id": result.definition.definition_id,
        "basis": basis,
        "onset_date": day,
        "outside_cohort_reason": result.exclusion,
    }
