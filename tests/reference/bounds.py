"""A cohort of patients who each lie on one bound of a rule in days, or one day past it.

The random cohorts meet most bounds by chance; here every bound has its two patients, whatever the seeds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

from .cohort import Cohort
from .model import COLUMNS, KEYS, File, Study

ENROLMENT = date(2022, 1, 1), date(2023, 6, 30)
INDEX = date(2022, 9, 1)
END = date(2024, 12, 31)
"""End of observation: the last day of the only delivery."""
_SITE, _MONTH = "dobbiaco", "2024-12"
_NORMAL, _LOW = "3.1", "0.7"
_TOLERATED = {"ofatumumab": 42, "ocrelizumab": 273}
"""Days: 1.5 intervals between doses."""


@dataclass(frozen=True)
class Story:
    """One patient; all days are dates. `lines`: drug, start, end (None: open)."""

    doses: dict[str, list[date]] = field(default_factory=dict)
    lines: list[tuple[str, date, date | None]] = field(default_factory=list)
    anc: dict[date, str] = field(default_factory=dict)

    def rows(self, patient: str) -> Iterator[tuple[str, dict[str, str]]]:
        """What the site delivers: the entity, then its cells but the key."""
        yield "patients", {"birth_date": "1980-05-17", "sex": "F"}
        for drug, days in self.doses.items():
            for day in days:
                yield "administrations", {"patient_id": patient, "drug": drug, "administered_on": day.isoformat()}
        for drug, start, end in self.lines:
            ends = {"end_date": end.isoformat()} if end else {}
            yield "treatments", {"patient_id": patient, "drug": drug, "start_date": start.isoformat(), **ends}
        for day, value in self.anc.items():
            cells = {"test_code": "751-8", "value": value, "unit": "10*9/L", "collected_at": day.isoformat()}
            yield "lab_results", {"patient_id": patient, **cells}


def on_the_bounds() -> Cohort:
    """One site with one delivery of all these patients."""
    tables: dict[str, list[dict[str, str]]] = defaultdict(list)
    for number, story in enumerate(_stories()):
        patient = f"B{number:02d}"
        for entity, cells in story.rows(patient):
            key = patient if entity == "patients" else f"{patient}-{len(tables[entity])}"
            row = dict.fromkeys(COLUMNS[entity], "") | cells | {KEYS[entity]: key}
            tables[entity].append(row)
    files = tuple(File(_SITE, _MONTH, entity, f"{entity}.csv", tuple(rows)) for entity, rows in tables.items())
    return Cohort(-1, files, Study(enrolment_start=ENROLMENT[0], enrolment_end=ENROLMENT[1]))


def _stories() -> Iterator[Story]:
    yield from _who_is_in()
    for past in (0, 1):
        yield from _before_the_end_of_observation(past)
        yield from _after_an_onset(past)
        yield from _courses(past)
    yield from _gcsf_before_an_onset()


def _who_is_in() -> Iterator[Story]:
    """The index date in or beside the enrolment window; a low count in or beside the year up to the index date."""
    for index in (_days(ENROLMENT[0], -1), ENROLMENT[0], ENROLMENT[1], _days(ENROLMENT[1], 1)):
        yield Story({"ocrelizumab": [index]}, anc={_days(index, -9): _NORMAL, _days(index, 60): _LOW})
    for days in (-366, -365, 0, 1):
        yield Story({"ocrelizumab": [INDEX]}, anc={_days(INDEX, days): _LOW, _days(INDEX, days + 9): _NORMAL})


def _before_the_end_of_observation(past: int) -> Iterator[Story]:
    """An episode still open, or lost to follow-up; a count due; still under treatment, or no more."""
    last_dose = _days(END, -200)
    yield Story({"ocrelizumab": [last_dose]}, anc={_days(END, -90 - past): _LOW})
    yield Story({"ocrelizumab": [last_dose]}, anc={_days(END, -183 - past): _NORMAL})
    yield Story({"ocrelizumab": [_days(END, -365 - past)]}, anc={_days(END, -30): _NORMAL})
    yield Story({"ocrelizumab": [last_dose]}, anc={_days(END, -150): _LOW, _days(END, -40): ("1.4", "1.5")[past]})
    closed = [("ocrelizumab", _days(last_dose, -9), last_dose)]
    yield Story({"ocrelizumab": [last_dose]}, [*closed, ("ozanimod", _days(last_dose, past), None)])
    yield Story({"ocrelizumab": [last_dose]}, [*closed, ("ozanimod", _days(last_dose, 9), None)], {END: _LOW})
    yield Story(lines=[("ofatumumab", last_dose, (None, END)[past]), ("ozanimod", _days(last_dose, 9), None)])


def _after_an_onset(past: int) -> Iterator[Story]:
    """Continued, discontinued or pending, by the end of the line and the last contact after the episode's onset."""
    onset = _days(INDEX, 100)
    low = {onset: _LOW}
    tolerated = _TOLERATED["ofatumumab"] + past
    yield Story(lines=[("ofatumumab", INDEX, None)], anc=low | {_days(onset, tolerated): _NORMAL})
    yield Story(lines=[("ofatumumab", INDEX, _days(onset, tolerated))], anc=low | {_days(onset, 80): _NORMAL})
    injected = _days(INDEX, 3 * 28 + past)
    yield Story(lines=[("ofatumumab", INDEX, None)], anc={injected: _LOW, _days(injected, 80): _NORMAL})
    yield Story({"ocrelizumab": [INDEX]}, [("ocrelizumab", INDEX, _days(onset, -past))], low)
    yield Story({"ocrelizumab": [INDEX]}, anc=low | {_days(INDEX, _TOLERATED["ocrelizumab"] + past): _NORMAL})
    yield Story({"ocrelizumab": [INDEX, _days(INDEX, _TOLERATED["ocrelizumab"] + past)]}, anc=low)


def _courses(past: int) -> Iterator[Story]:
    """Monthly injections with a pause: one course or two, so a late onset or an early one."""
    again = _days(INDEX, 365 + past)
    yield Story({"ofatumumab": [INDEX, again]}, anc={_days(again, 10): _LOW})


def _gcsf_before_an_onset() -> Iterator[Story]:
    """G-CSF two days before the onset makes the recovery provisional; the next low count continues the episode."""
    onset = _days(INDEX, 100)
    anc = {onset: _LOW, _days(onset, 12): _NORMAL, _days(onset, 20): _LOW, _days(onset, 40): _NORMAL}
    yield Story({"ocrelizumab": [INDEX], "filgrastim": [_days(onset, -2)]}, anc=anc)


def _days(day: date, n: int) -> date:
    return day + timedelta(days=n)
