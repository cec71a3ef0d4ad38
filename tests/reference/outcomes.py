"""What surrounds an episode: attribution, other drugs, G-CSF, events, treatment after, recurrence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from .codes import DRUGS
from .episodes import Episode, Measurement
from .history import Dose, History
from .model import CaseDefinition, Line

EVENT_DAYS_BEFORE, EVENT_DAYS_AFTER = 7, 14
GCSF_DAYS_UNRECOVERED = 30
SUSPECT_DAYS = 90
RELAPSE_DAYS = 90
EVERY_FOUR_WEEKS = 28


@dataclass(frozen=True)
class Attribution:
    """The dose that an episode is laid to; days are counted from it."""

    dose: Dose
    days: int
    dose_number: int
    onset_type: str
    previous_drug: str | None


def attribute(history: History, onset: date, definition: CaseDefinition) -> Attribution | None:
    """The last anti-CD20 dose before the day of onset, where near enough."""
    doses = history.doses_before(onset)
    if not doses:
        return None
    last = doses[-1]
    days = (onset - last.day).days
    if days > definition.attribution_days:
        return None
    counted_from = last.day
    if DRUGS[last.drug].interval_days == EVERY_FOUR_WEEKS:
        counted_from = course_start(doses, definition.attribution_days)
    late = (onset - counted_from).days >= definition.late_days
    others = [d.drug for d in doses if d.drug != last.drug]
    return Attribution(
        last,
        days,
        sum(d.drug == last.drug for d in doses),
        "late" if late else "early",
        others[-1] if others else None,
    )


def course_start(doses: Sequence[Dose], apart: int) -> date:
    """First day of the course that the last of these doses belongs to."""
    start = doses[-1].day
    for dose in reversed(doses):
        if (start - dose.day).days > apart:
            break
        start = dose.day
    return start


def gcsf_doses(history: History, episode: Episode) -> list[date]:
    """Days of G-CSF doses from onset to recovery, or to 30 days after onset where there is none."""
    until = episode.recovery or episode.onset + timedelta(days=GCSF_DAYS_UNRECOVERED)
    return [day for day in history.gcsf_days if episode.onset <= day <= until]


def has_event(history: History, episode: Episode, event_type: str) -> bool:
    """An event of that type begins from 7 days before onset to 14 days after the end."""
    first = episode.onset - timedelta(days=EVENT_DAYS_BEFORE)
    last = (episode.end or history.observation_end) + timedelta(days=EVENT_DAYS_AFTER)
    return any(e.event_type == event_type and first <= e.onset <= last for e in history.events)


def relapsed(history: History, onset: date) -> bool:
    """A relapse begins on the day of the episode's onset or within the 90 days after it."""
    return any(e.event_type == "relapse" and 0 <= (e.onset - onset).days <= RELAPSE_DAYS for e in history.events)


def other_suspects(history: History, onset: date) -> list[str]:
    """Other drugs that lower neutrophils, given within 90 days before an onset, in alphabetical order.

    A recorded dose lies 0 to 90 days before the onset. A line was running on some day of that span.
    """
    first = onset - timedelta(days=SUSPECT_DAYS)
    given = {dose.drug for dose in history.doses if dose.source == "recorded" and first <= dose.day <= onset}
    given |= {line.drug for line in history.lines if line.start <= onset and first <= _last_given(line, onset)}
    return sorted(d for d in given if DRUGS[d].neutropenia_risk and DRUGS[d].drug_class not in ("anti_cd20", "gcsf"))


def _last_given(line: Line, onset: date) -> date:
    """The last day up to an onset on which a line is known to have been given."""
    return line.start if line.end_unknown else line.end or onset


def treatment_after(history: History, onset: date, attribution: Attribution) -> tuple[str, str | None]:
    """(treatment_action, next_drug): what followed, or what its absence means."""
    last = attribution.dose
    half_again = 1.5 * DRUGS[last.drug].interval_days

    # (day, order on that day, drug): the least is the earliest, ties as the rule lists them.
    followed = [
        (dose.day, 0 if dose.drug == last.drug else 1, dose.drug)
        for dose in history.class_doses
        if dose.source == "recorded" and dose.day >= onset
    ]
    for line in history.lines:
        drug = DRUGS[line.drug]
        if line.start < onset or line.drug == last.drug or drug.drug_class == "gcsf":
            continue
        followed.append((line.start, 1 if drug.drug_class == "anti_cd20" else 2, line.drug))
    if followed:
        day, order, drug_name = min(followed)
        if order == 0:
            return ("continued" if (day - last.day).days <= half_again else "resumed"), None
        return ("switched_in_class" if order == 1 else "switched_out_of_class"), drug_name

    line_then = current_line(history.lines, last.drug, onset)
    contact = history.last_contact or onset
    if line_then and DRUGS[last.drug].home_injected:
        goes_on = (not line_then.end_unknown and line_then.end is None) or (line_then.end - onset).days > half_again
        if goes_on and (contact - onset).days > half_again:
            return "continued", None
    ended = line_then is not None and line_then.end is not None and line_then.end >= onset
    if ended or (contact - last.day).days > half_again:
        return "discontinued", None
    return "pending", None


def given_next(
    history: History, onset: date, attribution: Attribution, recurrence: date | None
) -> tuple[str, str | None, date | None]:
    """(next_treatment, drug, day): the first treatment from the day of onset to the day before a recurrence.

    Given are recorded doses, and starts of lines of another drug. Where nothing of these ever follows, a drug injected
    at home that goes on by its line is given on the first day assumed.
    """
    action, drug = treatment_after(history, onset, attribution)
    own = attribution.dose.drug
    days: list[date] = []
    if action in ("continued", "resumed"):
        drug = own
        days = [d.day for d in history.class_doses if d.drug == own and d.source == "recorded" and d.day >= onset]
        days = days or [d.day for d in history.class_doses if d.drug == own and d.day >= onset]
        given = "same_drug"
    elif drug is None:
        return "none", None, None
    else:
        given = "another_in_class" if action == "switched_in_class" else "out_of_class"
        days = [d.day for d in history.class_doses if d.drug == drug and d.source == "recorded" and d.day >= onset]
        days += [line.start for line in history.lines if line.drug == drug and line.start >= onset]
    day = min(days, default=None)
    if day and recurrence and day >= recurrence:
        return "none", None, None
    return given, drug, day


def current_line(lines: Sequence[Line], drug: str, onset: date) -> Line | None:
    """The drug's latest line that started by the onset; on ties an open one, then the longest, last of unknown end."""
    started = [line for line in lines if line.drug == drug and line.start <= onset]
    return max(started, key=lambda line: (line.start, not line.end_unknown, line.end or date.max), default=None)


def treatments_after(history: History, drug: str, first: date, before: date | None) -> list[tuple[date, str]]:
    """(day, treatment) from the day of an onset to the day before another, or to the end, the last one last.

    Treatment is same_drug, another_in_class or out_of_class, seen from the episode's drug. Doses of
    any source count, and starts of lines of other drugs. On one day class treatment counts as later
    than a line out of class, and of two class drugs the alphabetically last is the last.
    """
    end = before or date.max
    given = [(d.day, True, d.drug) for d in history.class_doses if first <= d.day < end]
    for line in history.lines:
        drug_class = DRUGS[line.drug].drug_class
        if first <= line.start < end and line.drug != drug and drug_class != "gcsf":
            given.append((line.start, drug_class == "anti_cd20", line.drug))
    return [
        (day, "out_of_class" if not in_class else "same_drug" if name == drug else "another_in_class")
        for day, in_class, name in sorted(given)
    ]


def first_recorded(history: History, drug: str, first: date, before: date | None) -> date | None:
    """The first day with a recorded dose of the drug, from an onset to the day before another, or to the end."""
    of_drug = (d.day for d in history.class_doses if d.drug == drug and d.source == "recorded")
    return min((day for day in of_drug if first <= day < (before or date.max)), default=None)


CONTEXTS = {
    "same_drug": "rechallenge",
    "another_in_class": "after_switch_in_class",
    "out_of_class": "after_switch_out_of_class",
}


def recurrence_context(history: History, drug: str, first: date, second: date) -> str:
    """How the last treatment between two onsets relates to the earlier episode's drug."""
    between = treatments_after(history, drug, first, second)
    return CONTEXTS[between[-1][1]] if between else "no_further_treatment"


def recovered_between(series: Sequence[Measurement], episode: Episode, onset: date) -> bool:
    """A recovered ANC on or after an episode's end and before a later onset."""
    return any(m.recovered and (episode.end or m.day) <= m.day < onset for m in series)
