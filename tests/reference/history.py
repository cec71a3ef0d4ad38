"""One patient as observed: cut-offs applied, ANC graded, last contact known, doses known.

Later data are not used: everything after the end of observation is left out here, once.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property

from .anc import Anc, harmonise, leukocytes_without_anc
from .codes import DRUGS
from .grades import OTHER_COUNTS
from .judge import last_day
from .model import Adjudication, Chart, Event, File, Lab, Line, Patient, Study
from .parts import losses

LINE_START_DAYS = 30
BASELINE_DAYS = 365
COURSE_DAYS = 14
_SOURCE_RANK = {"recorded": 0, "line_start": 1, "course": 1, "assumed": 2}


@dataclass(frozen=True, order=True)
class Dose:
    """A dose; they order by day and drug, so that of one day the alphabetically last is last."""

    day: date
    drug: str
    source: str

    @property
    def drug_class(self) -> str:
        return DRUGS[self.drug].drug_class


@dataclass(frozen=True)
class History:
    """What was seen of a patient up to the end of observation."""

    site: str
    patient: Patient
    observation_end: date
    last_contact: date | None
    lines: list[Line]
    doses: list[Dose]
    anc: list[Anc]
    other_counts: list[Lab]
    leukocytes_without_anc: list[Lab]
    events: list[Event]
    adjudications: list[Adjudication]
    losses: Mapping[tuple[str, str], int]
    """Draws whose parts give no ANC: how many, by derivation and reason."""

    @cached_property
    def class_doses(self) -> list[Dose]:
        """Anti-CD20 doses of any source, in order."""
        return [d for d in self.doses if d.drug_class == "anti_cd20"]

    @cached_property
    def gcsf_days(self) -> list[date]:
        """Days with a G-CSF (or GM-CSF) dose, in order, once for each drug."""
        return [d.day for d in self.doses if d.drug_class == "gcsf"]

    def doses_before(self, day: date) -> list[Dose]:
        """Anti-CD20 doses strictly before a day: its sample is drawn before its infusion."""
        doses = self.class_doses
        return doses[: bisect_left(doses, day, key=lambda d: d.day)]


def site_cutoff(files: Sequence[File], site: str, study: Study) -> date:
    """The earlier of the study's cut-off and the last day of the site's last month."""
    end = max(last_day(f.delivery) for f in files if f.site == site)
    return min(end, study.data_cutoff) if study.data_cutoff else end


def observe(chart: Chart, cutoff: date, study: Study, above_one: AbstractSet[str]) -> History:
    """Apply the end of observation to a chart and add what follows from it.

    `above_one`: the site's test codes that send percentages above 1.
    """
    includes_bands = study.site(chart.site).neutrophils_pct_includes_bands
    end = min(cutoff, chart.patient.death) if chart.patient.death else cutoff
    lines = [
        replace(line, end=None, end_reason=None) if line.end and line.end > end else line
        for line in chart.lines
        if line.start <= end
    ]
    courses = gcsf_courses(chart, end)
    recorded = sorted({Dose(a.day, a.drug, "recorded") for a in chart.administrations if a.day <= end})
    labs = [lab for lab in chart.labs if lab.at.date() <= end]
    events = [e for e in chart.events if e.onset <= end]
    contacts = [
        *([chart.patient.last_contact] if chart.patient.last_contact else []),
        *(lab.at.date() for lab in labs),
        *(e.onset for e in events),
        *(d.day for d in recorded),
        *(line.start for line in lines),
    ]
    last_contact = max((day for day in contacts if day <= end), default=None)
    includes_bands = study.site(chart.site).neutrophils_pct_includes_bands
    return History(
        chart.site,
        chart.patient,
        end,
        last_contact,
        sorted(lines, key=lambda line: (line.start, line.treatment_id)),
        known_and_assumed_doses([*recorded, *courses], lines, last_contact),
        harmonise(labs, includes_bands, above_one),
        [lab for lab in labs if lab.analyte in OTHER_COUNTS],
        leukocytes_without_anc(labs, includes_bands, above_one),
        events,
        chart.adjudications,
        losses(labs, includes_bands, above_one),
    )


def gcsf_courses(chart: Chart, observed_to: date) -> list[Dose]:
    """Each day of G-CSF by a line whose first day is known, or by an administration over several days; at most 14."""
    spans = [(a.drug, a.day, a.until) for a in chart.administrations if DRUGS[a.drug].drug_class == "gcsf"]
    spans += [
        (line.drug, line.start, max(line.start, line.end_first or line.start))
        for line in chart.lines
        if DRUGS[line.drug].drug_class == "gcsf" and line.start == line.start_last
    ]
    return [
        Dose(day, drug, "course")
        for drug, first, last in spans
        for day in (first + timedelta(days=n) for n in range(COURSE_DAYS))
        if day <= min(last, observed_to)
    ]


def known_and_assumed_doses(given: Sequence[Dose], lines: Sequence[Line], last_contact: date | None) -> list[Dose]:
    """All doses: recorded, at the start of lines without one, and assumed of home injections."""
    known = list(given)
    recorded = [d for d in given if d.source == "recorded"]
    class_lines = [line for line in lines if DRUGS[line.drug].drug_class == "anti_cd20"]
    for line in class_lines:
        near = any(
            d.drug == line.drug and line.start <= d.day and (d.day - line.start_last).days <= LINE_START_DAYS
            for d in recorded
        )
        if not near:
            known.append(Dose(line.start, line.drug, "line_start"))

    assumed: list[Dose] = []
    for line in class_lines:
        if not DRUGS[line.drug].home_injected or line.end_unknown or last_contact is None:
            continue
        next_others = [other.start for other in class_lines if other.drug != line.drug and other.start > line.start]
        limits = [last_contact]
        if line.end:
            limits.append(line.end)
        if next_others:
            limits.append(min(next_others) - timedelta(days=1))
        own = [d for d in known if d.drug == line.drug and (d.source == "recorded" or d.day == line.start)]
        in_line = [d.day for d in own if line.start <= d.day <= min(limits)]
        interval = timedelta(days=DRUGS[line.drug].interval_days)
        day = max(in_line, default=date.max - interval) + interval
        while day <= min(limits):
            assumed.append(Dose(day, line.drug, "assumed"))
            day += interval

    once: dict[tuple[date, str], Dose] = {}
    for dose in sorted([*known, *assumed], key=lambda d: _SOURCE_RANK[d.source]):
        once.setdefault((dose.day, dose.drug), dose)
    return sorted(once.values())


def in_baseline(day: date, index: date) -> bool:
    """Within the 365 days up to and including the index date."""
    return 0 <= (index - day).days <= BASELINE_DAYS


def days_at_risk(history: History, attribution_days: int) -> list[tuple[date, str]]:
    """Each day up to last contact that lies 1 to `attribution_days` after a dose, with its drug."""
    doses = history.class_doses
    days: list[tuple[date, str]] = []
    for position, dose in enumerate(doses):  # a day belongs to the last dose before it
        following = doses[position + 1].day if position + 1 < len(doses) else date.max
        day = dose.day + timedelta(days=1)
        while (day - dose.day).days <= attribution_days and day <= following:
            if history.last_contact and day <= history.last_contact:
                days.append((day, dose.drug))
            day += timedelta(days=1)
    return days
