"""A synthetic cohort with the shape of the Udine series.

Missio et al., *Anti-CD20 treatment induced neutropenia: a retrospective case series*: 171 patients
started between June 2018 and February 2025, followed to March 2025; 6 with moderate or severe
neutropenia, 4 on ocrelizumab and 2 on rituximab; recurrence in 3, of whom 2 went from ocrelizumab
to ofatumumab; 1 of the other 3 stopped. Most were given G-CSF and most episodes were late.

The paper does not give the course of any patient. The six here are invented to match those totals: only doses and
counts are scripted, and only the pipeline shows whether they add up to the paper's table.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from registry.simulate.cohort import Profile, add_background, draw_person, simulate_patient
from registry.simulate.days import day_before, first_day, last_day, month_number, working_day
from registry.simulate.history import History
from registry.simulate.neutropenia import EpisodePlan
from registry.simulate.sampling import before_infusion
from registry.simulate.sites import UDINE
from registry.simulate.treatment import TreatmentPath, Turn

PATIENTS = 171
ENROLMENT_START = date(2018, 6, 1)
ENROLMENT_END = date(2025, 2, 28)
DATA_CUTOFF = date(2025, 3, 31)

DELIVERIES = ("2020-12", "2022-12", "2024-12", "2025-01", "2025-02", "2025-03")
"""History in three large deliveries, then monthly ones, for a growing registry with few files."""

_PROFILE = Profile(
    first_entry=ENROLMENT_START.toordinal() + 2,
    last_entry=ENROLMENT_END.toordinal() - 6,
    end=DATA_CUTOFF.toordinal(),
    # Relative weights among the drugs on the market that day.
    mix=(("ocrelizumab", 0.62), ("rituximab", 0.2), ("ofatumumab", 0.4)),
    # Ofatumumab came to Italian clinics in the autumn of 2021.
    marketed=(("ofatumumab", date(2021, 9, 1).toordinal()),),
    change_rate=0.04,
    death_rate=0.001,
    lost_rate=0.02,
)


@dataclass(frozen=True, slots=True)
class Case:
    """A patient with neutropenia: first drug, month of the first dose, the turn of each course."""

    drug: str
    first_month: str
    turns: tuple[Turn, ...]


_QUIET = Turn()

CASES = (
    # Twice on ocrelizumab, the first time low again after G-CSF; then ofatumumab.
    Case(
        "ocrelizumab",
        "2019-11",
        (
            _QUIET,
            _QUIET,
            Turn(
                episode=EpisodePlan(0.21, 1, 5, "filgrastim", 3, rebound=True, infection=True, verdict="confirmed"),
                delay=118,
            ),
            Turn(
                "switch_in_class",
                EpisodePlan(0.0, 2, 6, "filgrastim", 4, hospitalised=True, febrile=True),
                delay=96,
                next_drug="ofatumumab",
                reason="adverse_event",
            ),
        ),
    ),
    # After the first course, again a year later; then ofatumumab.
    Case(
        "ocrelizumab",
        "2020-09",
        (
            Turn(episode=EpisodePlan(0.38, 0, 4, "filgrastim", 2, infection=True), delay=141),
            _QUIET,
            Turn(
                "switch_in_class",
                EpisodePlan(0.09, 1, 5, "filgrastim", 3, hospitalised=True, verdict="confirmed"),
                delay=163,
                next_drug="ofatumumab",
                reason="adverse_event",
            ),
        ),
    ),
    # Twice on rituximab, which was continued.
    Case(
        "rituximab",
        "2018-10",
        (
            _QUIET,
            Turn(
                episode=EpisodePlan(0.44, 2, 7, "lenograstim", 3, infection=True, hospitalised=True),
                delay=83,
            ),
            _QUIET,
            Turn(episode=EpisodePlan(0.71, 0, 4, "filgrastim", 2), delay=109),
        ),
    ),
    # Agranulocytosis; treatment stopped.
    Case(
        "ocrelizumab",
        "2021-05",
        (
            _QUIET,
            Turn(
                "stop",
                EpisodePlan(
                    0.0,
                    1,
                    6,
                    "filgrastim",
                    4,
                    infection=True,
                    hospitalised=True,
                    febrile=True,
                    verdict="confirmed",
                ),
                delay=125,
                reason="adverse_event",
            ),
        ),
    ),
    # Found before an infusion, recovered without treatment; ocrelizumab was continued.
    Case(
        "ocrelizumab",
        "2022-03",
        (_QUIET, _QUIET, Turn(episode=EpisodePlan(0.62, 3, 13, verdict="confirmed"), delay=166)),
    ),
    # Early, sixteen days after the second dose of rituximab, which was continued.
    Case(
        "rituximab",
        "2020-02",
        (Turn(episode=EpisodePlan(0.83, 0, 3, "filgrastim", 1), delay=16),),
    ),
)


class Script:
    """A case's `CourseModel`: its turns in order, then no further event."""

    def __init__(self, turns: tuple[Turn, ...]) -> None:
        self._turns = iter(turns)

    def turn(self, drug: str, last_dose: int, due: int) -> Turn:
        """See `CourseModel`."""
        return next(self._turns, _QUIET)

    def after_stopping(self) -> tuple[int, EpisodePlan] | None:
        """See `CourseModel`: the paper reports no recurrence after stopping."""
        return None


def _live_case(rng: random.Random, patient: int, case: Case) -> History:
    month = month_number(case.first_month, what="first month")
    start = working_day(rng.randint(first_day(month), last_day(month) - 3))
    person = draw_person(rng, patient, UDINE, start, start)
    history = History(person, day_before(start - rng.randint(3, 15)), _PROFILE.end)
    planned = [history.entry, *before_infusion(rng, start + 14)]
    TreatmentPath(rng, history, Script(case.turns)).run(case.drug, start, planned)
    add_background(rng, history, _PROFILE)
    return history


def patients(seed: int) -> Iterator[tuple[random.Random, History]]:
    """The 171 histories in order of patient number, each with its patient's generator."""
    numbers = random.Random(f"{seed}:udine").sample(range(PATIENTS), len(CASES))
    cases = dict(zip(numbers, CASES, strict=True))
    for patient in range(PATIENTS):
        rng = random.Random(f"{seed}:{patient}")
        if patient in cases:
            yield rng, _live_case(rng, patient, cases[patient])
        else:
            yield rng, simulate_patient(rng, patient, UDINE, _PROFILE, neutropenia=False)
