"""From a patient's ANC to episodes, for one definition.

Reads only days, values and G-CSF days: nothing of doses, cohort or outcome.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from .anc import Anc
from .model import CaseDefinition, is_low

_RANK = {"<": -2, "<=": -1, None: 0, ">=": 0, ">": 1}


def height(value: Anc | Measurement) -> tuple[Decimal, int]:
    """Orders values; `<b` lies just below b."""
    return value.value, _RANK[value.operator]


@dataclass(frozen=True)
class Measurement:
    """The lowest deciding ANC of a day."""

    day: date
    value: Decimal
    operator: str | None
    lln: Decimal | None
    low: bool
    recovered: bool

    @property
    def height(self) -> tuple[Decimal, int]:
        """Orders values; `<b` lies just below b."""
        return height(self)


@dataclass(frozen=True)
class Episode:
    """`end` is the recovery, the last measurement where lost, None where ongoing."""

    onset: date
    end: date | None
    end_status: str
    nadir: Measurement
    n_measurements: int
    n_gcsf_rebounds: int
    last_normal: date | None
    last_not_low: date | None
    last_measured: date

    @property
    def recovery(self) -> date | None:
        return self.end if self.end_status == "recovered" else None


def measurements(results: Sequence[Anc], definition: CaseDefinition) -> list[Measurement]:
    """One value a day, the lowest of those that decide, in order of days."""
    lowest: dict[date, Measurement] = {}
    for result in results:
        low = recovered = False
        if result.operator is None:
            low = is_low(result.value, definition)
            recovered = result.value >= definition.recovery_at
        elif result.operator == "<":
            low = result.value <= definition.onset_below
        elif result.operator == "<=":
            low = is_low(result.value, definition)
        else:
            recovered = result.value >= definition.recovery_at
        if result.operator and not (low or recovered):
            continue
        found = Measurement(result.day, result.value, result.operator, result.lln, low, recovered)
        kept = lowest.setdefault(result.day, found)
        if found.height < kept.height:
            lowest[result.day] = found
    return [lowest[day] for day in sorted(lowest)]


def find_episodes(
    series: Sequence[Measurement],
    gcsf_days: Sequence[date],
    definition: CaseDefinition,
    observation_end: date,
) -> list[Episode]:
    """The patient's episodes in order of onset."""
    episodes: list[Episode] = []
    members: list[Measurement] = []  # of the open episode; empty outside one
    rebounds = 0

    def close(status: str, end: date | None) -> None:
        nonlocal members, rebounds
        onset = members[0].day
        before = [m for m in series if m.day < onset]
        episodes.append(
            Episode(
                onset,
                end,
                status,
                min(members, key=lambda m: (m.height, m.day)),
                len(members),
                rebounds,
                max((m.day for m in before if m.recovered), default=None),
                max((m.day for m in before if not m.low), default=None),
                members[-1].day,
            )
        )
        members, rebounds = [], 0

    position = 0
    while position < len(series):
        current = series[position]
        position += 1
        if members and (current.day - members[-1].day).days > definition.max_gap_days:
            close("lost", members[-1].day)
        if not members:
            if current.low:
                members = [current]
            continue
        members.append(current)
        if not current.recovered:
            continue
        provisional = any(0 <= (current.day - g).days <= definition.gcsf_days for g in gcsf_days)
        next_low = next((i for i in range(position, len(series)) if series[i].low), None)
        if provisional and next_low is not None and (series[next_low].day - current.day).days <= definition.gcsf_days:
            rebounds += 1  # the values in between count for nothing
            members.append(series[next_low])
            position = next_low + 1
        else:
            close("recovered", current.day)

    if members:
        last = members[-1].day
        lost = (observation_end - last).days > definition.max_gap_days
        close("lost" if lost else "ongoing", last if lost else None)
    return episodes
