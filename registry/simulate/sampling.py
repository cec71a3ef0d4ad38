"""Days of blood samples, and the random walk of the neutrophil count between episodes.

Counts are 10*9/L. Outside episodes the walk never falls below `FLOOR`: neutropenia (ANC < 1.0) comes only from
`neutropenia.py`, so that it has the published rate.
"""

from __future__ import annotations

import random
from math import exp, log, sqrt

from registry.simulate.days import clinic_day, day_before, winter
from registry.simulate.history import Draw, History

FLOOR = 1.06
MILD_SHARE = 0.004
"""Share of routine counts that are mildly low (1.08 to 1.45) and harmless."""
_QUARTER = 91
_MISSED = 0.1
_MISSED_BEFORE_INFUSION = 0.04
_IMMUNOLOGY_EVERY = 150


class AncWalk:
    """A mean-reverting walk on the log scale around the patient's own level."""

    _MEMORY_DAYS = 45.0
    _LOG_SD = 0.2

    def __init__(self, rng: random.Random, *, duffy_null: bool) -> None:
        self._rng = rng
        self._level = exp(rng.gauss(log(2.3 if duffy_null else 3.9), 0.2))
        self._offset = 0.0
        self._day: int | None = None

    def at(self, day: int) -> float:
        """The count of a day; call with days in order."""
        memory = 0.0 if self._day is None else exp((self._day - day) / self._MEMORY_DAYS)
        noise = self._LOG_SD * sqrt(1 - memory * memory)
        self._offset = self._offset * memory + self._rng.gauss(0.0, noise)
        self._day = day
        value = self._level * exp(self._offset) * (1 + 0.04 * winter(day))
        return round(value if value > FLOOR else FLOOR + 0.3 * self._rng.random(), 2)


def quarterly(rng: random.Random, start: int, end: int) -> list[int]:
    """Days of the quarterly counts in (start, end]; some are missed, few are in the holidays."""
    days = []
    due = start + _QUARTER + rng.randint(-14, 14)
    while due <= end:
        if rng.random() >= _MISSED:
            days.append(clinic_day(rng, due))
        due += _QUARTER + rng.randint(-14, 14)
    return days


def before_infusion(rng: random.Random, infusion: int) -> list[int]:
    """The day of the count within the week before an infusion; occasionally there is none."""
    missed = rng.random() < _MISSED_BEFORE_INFUSION
    return [] if missed else [day_before(infusion - rng.randint(0, 5))]


def measure_routine(rng: random.Random, history: History, days: list[int], spans: list[tuple[int, int]]) -> None:
    """Add the routine counts of `days` to a history that already has those of its episodes.

    No routine count is taken in `spans`, from an episode's first day to its last check.
    """
    walk = AncWalk(rng, duffy_null=history.person.duffy_null)
    busy = {draw.day for draw in history.draws}
    last_immunology = -_IMMUNOLOGY_EVERY
    for day in sorted(set(days)):
        if day > history.until or day in busy:
            continue
        if any(first <= day <= last for first, last in spans):
            continue
        anc = walk.at(day)
        if rng.random() < MILD_SHARE:
            anc = round(rng.uniform(1.08, 1.45), 2)
        immunology = day - last_immunology >= _IMMUNOLOGY_EVERY
        if immunology:
            last_immunology = day
        history.draws.append(Draw(day, anc, immunology))
    history.draws.sort()
