"""The history of one simulated patient, before it is exported.

Days are proleptic ordinals (`datetime.date.toordinal`), counts are in 10*9/L. `treatment.py`, `neutropenia.py` and
`sampling.py` create it; `render.py` exports it (identifiers, codes, units, deliveries).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from registry.simulate.sites import Site


class Dose(NamedTuple):
    """One recorded administration; doses injected at home are not recorded."""

    drug: str
    day: int
    amount: str
    unit: str
    route: str


class Draw(NamedTuple):
    """One blood sample: its ANC in 10*9/L; `immunology` adds CD19 cells and IgG to the panel."""

    day: int
    anc: float
    immunology: bool = False
    urgent: bool = False


class Event(NamedTuple):
    """A clinical event in the words of the contract; `end` is None for a single day."""

    event_type: str
    onset: int
    end: int | None
    code: str
    description: str


class Review(NamedTuple):
    """An adjudication of an episode with its onset in the span."""

    onset_from: int
    onset_to: int
    verdict: str
    reviewed_on: int
    role: str


@dataclass(slots=True)
class Line:
    """One line of therapy; `end` is None while it continues."""

    drug: str
    start: int
    end: int | None = None
    reason: str = ""


@dataclass(slots=True)
class Person:
    """Demographics. `birth` is None if the hospital never recorded it."""

    patient_id: str
    site: Site
    sex: str
    birth: int | None
    phenotype: str
    ms_onset: int
    duffy_null: bool
    duffy_tested: bool


@dataclass(slots=True)
class History:
    """Everything known about a patient from `entry` to `until`, the last day of follow-up."""

    person: Person
    entry: int
    until: int
    death: int | None = None
    lines: list[Line] = field(default_factory=list)
    doses: list[Dose] = field(default_factory=list)
    draws: list[Draw] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    reviews: list[Review] = field(default_factory=list)
    depleted: list[tuple[int, int]] = field(default_factory=list)
    """Periods of B-cell depletion, first and last day."""
