"""Who is under treatment, for the clinic: last dose, last count, what is open, who is followed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .codes import DRUGS
from .episodes import height, measurements
from .grades import grade
from .history import History
from .model import Line
from .patient import AssessedEpisode, PatientResult, patient_died

MONITORED_DAYS = 365
LATE_WINDOW = 90, 180
"""Days after the last dose, both included: the study settings' own."""


def monitoring(results: Sequence[PatientResult], anc_interval_days: int) -> list[dict[str, Any]]:
    """Patients with a last dose at most 365 days before their end of observation."""
    rows = []
    for result in results:
        history = result.history
        doses, end = history.class_doses, history.observation_end
        if not doses or (end - doses[-1].day).days > MONITORED_DAYS:
            continue
        last_anc = max((r.day for r in history.anc), default=None)
        lowest = min(
            (r for r in history.anc if r.day == last_anc),
            key=lambda r: (height(r), r.operator is not None),
            default=None,
        )
        days = (end - last_anc).days if last_anc else None
        since_dose = (end - doses[-1].day).days
        unresolved = [e for e in result.episodes if _is_unresolved(result, e)]
        switched_to = _switched_to(history)
        rows.append(
            {
                "site": history.site,
                "patient_id": history.patient.patient_id,
                "last_dose_date": doses[-1].day,
                "last_drug": doses[-1].drug,
                "last_anc_date": last_anc,
                "last_anc_10e9_l": lowest.value if lowest else None,
                "last_anc_operator": lowest.operator if lowest else None,
                "last_severity": grade("udine_2025", lowest.value, lowest.operator, None) if lowest else None,
                "days_since_anc": days,
                "days_since_last_dose": since_dose,
                "in_late_window": LATE_WINDOW[0] <= since_dose <= LATE_WINDOW[1],
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
    others = [line for line in history.lines if DRUGS[line.drug].drug_class == "other" and _is_open(line)]
    lines = [line for line in others if line.start > last]
    return max(lines, key=lambda line: (line.start, line.drug)).drug if lines else None


def _has_open_line(history: History) -> bool:
    """A line of an anti-CD20 drug has no end."""
    return any(_is_open(line) for line in history.lines if DRUGS[line.drug].drug_class == "anti_cd20")


def _is_open(line: Line) -> bool:
    return line.end is None and not line.end_unknown
