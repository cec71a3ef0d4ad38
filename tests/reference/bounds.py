"""A cohort of patients who each lie on one bound of a rule in days, or one day past it.

The random cohorts meet most bounds by chance; here every bound has its two patients, whatever the seeds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from .cohort import Cohort
from .draws import APART, LOCAL, TESTS, draws
from .model import COLUMNS, KEYS, CaseDefinition, File, Site, Study

ENROLMENT = date(2022, 1, 1), date(2023, 6, 30)
INDEX = date(2022, 9, 1)
END = date(2024, 12, 31)
"""End of observation: the study's cut-off, a month before the end of the only delivery."""
_SITE, _MONTH = "dobbiaco", "2025-01"
_WITH_BANDS = "egna"
"""A site whose neutrophils % includes the bands; only some of the differentials come from here too."""
_SITES = {name: Site(neutrophils_pct_includes_bands=name == _WITH_BANDS, tests=LOCAL) for name in (_SITE, _WITH_BANDS)}
_PRIMARY = "udine_2025_inclusive"
_WIDE = CaseDefinition("wide", "udine_2025", Decimal("1.0"), Decimal("1.5"), gcsf_days=21)
"""With a window that the primary definition has not."""
_NORMAL, _LOW = "3.1", "0.7"
_SHARES = {code for part, code in TESTS.items() if part.endswith("%")}
_TOLERATED = {"ofatumumab": 42, "ocrelizumab": 273}
"""Days: 1.5 intervals between doses."""


@dataclass(frozen=True)
class Story:
    """One patient; all days are dates. `lines`: drug, start, end (None: open; a text as it is sent)."""

    doses: dict[str, list[date]] = field(default_factory=dict)
    lines: list[tuple[str, date, date | str | None]] = field(default_factory=list)
    anc: dict[date, str] = field(default_factory=dict)
    wbc: dict[date, str] = field(default_factory=dict)
    events: dict[date, str] = field(default_factory=dict)
    parts: list[tuple[int, str, str, str]] = field(default_factory=list)
    """Of one differential: hour, specimen, test code, value; in % where it says so, else in 10^9/L."""
    drawn_on: date = INDEX
    """The day of these parts."""
    reviews: list[tuple[date, date]] = field(default_factory=list)
    """Spans of onsets that a chart review judged."""
    verdict: str = "confirmed"
    known: dict[str, str] = field(default_factory=dict)
    """Cells of the patient's own row."""
    courses: list[tuple[str, date, date]] = field(default_factory=list)
    """Administrations of several days: drug, first day, last day."""

    def rows(self, patient: str) -> Iterator[tuple[str, dict[str, str]]]:
        """What the site delivers: the entity, then its cells but the key."""
        yield "patients", {"birth_date": "1980-05-17", "sex": "F"} | self.known
        for drug, days in self.doses.items():
            for day in days:
                yield "administrations", {"patient_id": patient, "drug": drug, "administered_on": day.isoformat()}
        for drug, day, until in self.courses:
            cells = {"administered_on": day.isoformat(), "administered_until": until.isoformat()}
            yield "administrations", {"patient_id": patient, "drug": drug, **cells}
        for drug, start, end in self.lines:
            ends = {"end_date": str(end), "end_reason": "other"} if end else {}
            yield "treatments", {"patient_id": patient, "drug": drug, "start_date": start.isoformat(), **ends}
        for test, counts in (("751-8", self.anc), (TESTS["WBC"], self.wbc)):
            for day, value in counts.items():
                cells = {"test_code": test, "value": value, "unit": "10*9/L", "collected_at": day.isoformat()}
                yield "lab_results", {"patient_id": patient, **cells}
        for day, event in self.events.items():
            yield "clinical_events", {"patient_id": patient, "event_type": event, "onset_date": day.isoformat()}
        for first, last in self.reviews:
            span = {"onset_from": first.isoformat(), "onset_to": last.isoformat(), "verdict": self.verdict}
            yield "adjudications", {"patient_id": patient, **span}
        for hour, specimen, test, value in self.parts:
            at = {"specimen_id": specimen, "collected_at": f"{self.drawn_on.isoformat()}T{hour:02d}:00"}
            cells = {"test_code": test, "value": value, "unit": "%" if test in _SHARES else "10*9/L"}
            yield "lab_results", {"patient_id": patient, **cells, **at}


def on_the_bounds() -> Cohort:
    """Two sites with one delivery each of all these patients."""
    return _cohort(*_files(_SITE, [*_stories(), *_differentials()]), *_files(_WITH_BANDS, list(_differentials())))


def hardly_tested(n: int) -> Cohort:
    """Two patients with days at risk, of whom so many have a count."""
    seen = {"last_contact_date": END.isoformat()}
    counts = [{_days(INDEX, 9): _NORMAL}] * n + [{}] * (2 - n)
    return _cohort(*_files(_SITE, [Story({"rituximab": [INDEX]}, anc=anc, known=seen) for anc in counts]))


def _cohort(*files: File) -> Cohort:
    study = Study(*ENROLMENT, data_cutoff=END, primary_definition=_PRIMARY, definitions=(_WIDE,), sites=_SITES)
    return Cohort(-1, files, study)


def _files(site: str, stories: list[Story]) -> Iterator[File]:
    tables: dict[str, list[dict[str, str]]] = defaultdict(list)
    for number, story in enumerate(stories):
        patient = f"B{number:02d}"
        for entity, cells in story.rows(patient):
            key = patient if entity == "patients" else f"{patient}-{len(tables[entity])}"
            tables[entity].append(dict.fromkeys(COLUMNS[entity], "") | cells | {KEYS[entity]: key})
    for entity, rows in tables.items():
        yield File(site, _MONTH, entity, f"{entity}.csv", tuple(rows))


def _stories() -> Iterator[Story]:
    yield from _who_is_in()
    for past in (0, 1):
        yield from _before_the_end_of_observation(past)
        yield from _after_an_onset(past)
        yield from _courses(past)
        yield from _on_the_last_day(past)
        yield from _reportable(past)
        yield from _at_the_end_of_the_first_year(past)
    yield from _gcsf_before_an_onset()
    yield from _ends_of_lines_and_courses()
    # moderate by the primary definition's scale, grade 2 by CTCAE
    yield Story({"rituximab": [INDEX]}, anc={_days(INDEX, 100): "1.0", _days(INDEX, 110): _NORMAL})


def _who_is_in() -> Iterator[Story]:
    """The index date in or beside the enrolment window; a low count in or beside the year up to the index date."""
    for index in (_days(ENROLMENT[0], -1), ENROLMENT[0], ENROLMENT[1], _days(ENROLMENT[1], 1)):
        yield Story({"ocrelizumab": [index]}, anc={_days(index, -9): _NORMAL, _days(index, 60): _LOW})
    for days in (-366, -365, 0, 1):
        yield Story({"ocrelizumab": [INDEX]}, anc={_days(INDEX, days): _LOW, _days(INDEX, days + 9): _NORMAL})
        yield Story({"ocrelizumab": [INDEX]}, anc={_days(INDEX, days): _NORMAL})


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
    recovered = _days(onset, 9)
    given = {"ocrelizumab": [INDEX], "filgrastim": [recovered]}
    yield Story(given, anc={onset: "1.0", recovered: _NORMAL, _days(recovered, 14 + past): _LOW})
    yield Story({"ocrelizumab": [INDEX], "filgrastim": [_days(onset, 30 + past)]}, anc=low)
    again = _days(onset, 40)
    lines = [("natalizumab", _days(again, past), None)]
    yield Story({"ocrelizumab": [INDEX, again]}, lines, low | {recovered: _NORMAL, _days(again, 9): _LOW})
    # the recurrence on the day of the next dose, or the day after
    yield Story({"ocrelizumab": [INDEX, again]}, anc=low | {recovered: _NORMAL, _days(again, past): _LOW})
    monthly = {"ofatumumab": [INDEX]}
    yield Story(monthly, [("ofatumumab", INDEX, None)], low | {recovered: _NORMAL, _days(INDEX, 140 + past): _LOW})
    yield Story({"ocrelizumab": [INDEX, _days(INDEX, _TOLERATED["ocrelizumab"] + past)]}, anc=low)


def _courses(past: int) -> Iterator[Story]:
    """Monthly injections with a pause: one course or two, so a late onset or an early one."""
    again = _days(INDEX, 365 + past)
    yield Story({"ofatumumab": [INDEX, again]}, anc={_days(again, 10): _LOW})
    switched = [("ofatumumab", INDEX, None), ("ocrelizumab", _days(INDEX, 3 * 28 + past), None)]
    yield Story(lines=switched, anc={_days(INDEX, 200): _NORMAL})
    last = _days(INDEX, 40)
    yield Story(
        {"ofatumumab": [INDEX, last]}, [("ofatumumab", INDEX, _days(last, -past))], {_days(INDEX, 200): _NORMAL}
    )


def _on_the_last_day(past: int) -> Iterator[Story]:
    """All that may happen on the last day of observation, and is not known a day later."""
    last = _days(END, past)
    treated = {"rituximab": [INDEX]}
    yield Story(treated, known={"last_contact_date": last.isoformat()})
    yield Story(treated, known={"death_date": last.isoformat()})
    yield Story(treated, anc={last: _LOW})
    yield Story(treated, parts=[(8, "S", TESTS["PLT"], "140")], drawn_on=last)
    yield Story(treated, anc={_days(END, -9): _LOW}, events={last: "infection"})
    yield Story({"rituximab": [INDEX, last]})
    yield Story(treated, [("rituximab", INDEX, last)])
    yield Story(treated, [("ozanimod", last, None)])
    yield Story(lines=[("ocrelizumab", last, None)])
    yield Story(treated, reviews=[(INDEX, last)])


def _reportable(past: int) -> Iterator[Story]:
    """Severe in or beside the window of treatment, in or outside the cohort; leukocytes below 0.5 alone."""
    treated = {"rituximab": [INDEX]}
    for days in (0, 365):
        yield Story(treated, wbc={_days(INDEX, days + past): "0.4"})
        yield Story(treated, anc={_days(INDEX, days + past): "0.4"}, known={"sex": ""})
    day = _days(INDEX, 60)
    for value in (("0.499999", "0.5"), ("<0.5", "<=0.5"), ("0", "0.0001")):
        yield Story(treated, wbc={day: value[past]})
    yield Story(treated, anc={_days(day, past): "2"}, wbc={day: "0.4"})
    yield Story(treated, anc={_days(day, -9): "0.4", _days(day, past - 1): "2"}, wbc={day: "0.4"})
    yield Story(treated, anc={_days(INDEX, -9): "0.9", _days(INDEX, past): "0.3"})
    yield Story(treated, anc={_days(INDEX, -9): "0.3", _days(INDEX, 9): ("<0.9", "0.9")[past]})
    again = {"rituximab": [INDEX, _days(INDEX, 400)]}
    yield Story(again, anc={_days(INDEX, 370): "0.3", _days(INDEX, 400 + past): "0.3"})
    # began before treatment; the count is severe on the last day after a dose that still counts, or may be severe
    lasting = {_days(INDEX, days): "0.9" for days in (-9, 80, 160, 240, 320)}
    yield Story(treated, anc=lasting | {_days(INDEX, 365 + past): "0.3"})
    yield Story(treated, anc={_days(INDEX, -9): "0.9", _days(INDEX, 9): ("<0.5", "<=0.5")[past]})
    yield Story(treated, anc={day: ("<0.5", "<0.9")[past]})
    ruled_out = {_days(day, -9): ("0.3", "0.5")[past], _days(day, 9): _NORMAL}
    yield Story(treated, anc=ruled_out, wbc={day: "0.4"}, reviews=[(INDEX, END)], verdict="other_cause")
    # counted on no day at risk: nothing is known of such a patient
    yield Story({"obinutuzumab": [INDEX]}, anc={_days(INDEX, 366 * past): _NORMAL})
    yield Story({"ublituximab": [INDEX]}, anc={_days(INDEX, 365 + past): _NORMAL})


def _at_the_end_of_the_first_year(past: int) -> Iterator[Story]:
    """The first case on the last day of the first year, which is also the last that the drug before may have had."""
    switched = {"rituximab": [INDEX], "ocrelizumab": [_days(INDEX, 200)]}
    yield Story(switched, anc={_days(INDEX, 365 + past): _LOW})


def _ends_of_lines_and_courses() -> Iterator[Story]:
    """Ends on the day of death, at the end of observation, or unknown; a line that starts on the day of onset."""
    treated = {"rituximab": [INDEX]}
    first = _days(INDEX, 100)
    last = _days(first, 3)
    yield Story(treated, [("filgrastim", first, last)], known={"death_date": last.isoformat()})
    yield Story(treated, courses=[("filgrastim", first, last)], known={"death_date": last.isoformat()})
    for past in (0, 1):
        yield Story(treated, courses=[("filgrastim", _days(END, -3), _days(END, past))])
        onset = {first: _LOW}
        yield Story({"ocrelizumab": [INDEX]}, [("ocrelizumab", _days(first, past), _days(first, 40))], anc=onset)
    yield Story(treated, [("rituximab", INDEX, "2023-01")], known={"death_date": "2023-01-01"})
    yield Story({"rituximab": [INDEX, _days(INDEX, 200)]}, [("rituximab", INDEX, "unknown")])


def _differentials() -> Iterator[Story]:
    """Differentials that just give an ANC or just none; their parts an hour apart."""
    for parts in draws():
        yield Story(
            parts=[
                (hour, "T" if part.endswith(APART) else "S", TESTS[part.removesuffix(APART)], value)
                for hour, (part, value) in enumerate(parts, start=6)
            ]
        )


def _gcsf_before_an_onset() -> Iterator[Story]:
    """G-CSF two days before the onset makes the recovery provisional; the next low count continues the episode."""
    onset = _days(INDEX, 100)
    anc = {onset: _LOW, **{_days(onset, n): _NORMAL for n in (12, 15, 40)}, _days(onset, 20): _LOW}
    yield Story({"ocrelizumab": [INDEX], "filgrastim": [_days(onset, -2)]}, anc=anc)


def _days(day: date, n: int) -> date:
    return day + timedelta(days=n)
