"""A patient's anti-CD20 treatment, course by course.

A course is one infusion visit (or, for drugs injected at home, one half-year of injections) and the time until the
next. A `CourseModel` decides the outcome of each course, a `Turn`: at random in the general cohort, from a script in
the Udine series. Doses, episodes, lines and samples follow from it in the same way for both.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal, Protocol

from registry.simulate.days import clinic_day, working_day
from registry.simulate.dosing import SCHEDULES, Schedule
from registry.simulate.history import Dose, History, Line
from registry.simulate.neutropenia import EpisodePlan, unfold
from registry.simulate.sampling import before_infusion, measure_routine, quarterly

Action = Literal["continue", "switch_in_class", "switch_out_of_class", "stop"]
_DEPLETION_DAYS = 190


@dataclass(frozen=True, slots=True)
class Turn:
    """What happens between a course's last dose and the next.

    `episode` begins `delay` days after that dose. `next_drug` and `reason` describe a change of drug.
    """

    action: Action = "continue"
    episode: EpisodePlan | None = None
    delay: int = 0
    next_drug: str = ""
    reason: str = ""


class CourseModel(Protocol):
    """Decides each course's turn."""

    def turn(self, drug: str, last_dose: int, due: int) -> Turn:
        """The turn of the course whose last dose is on `last_dose` and whose next is due on `due`."""

    def after_stopping(self) -> tuple[int, EpisodePlan] | None:
        """An episode without further doses: (days after the last dose, plan); usually None."""


class TreatmentPath:
    """Fills a history from the first anti-CD20 dose to the end of follow-up."""

    def __init__(self, rng: random.Random, history: History, fate: CourseModel) -> None:
        self._rng = rng
        self._history = history
        self._fate = fate
        self._planned: list[int] = []
        self._spans: list[tuple[int, int]] = []

    def run(self, drug: str, start: int, planned: list[int]) -> None:
        """Treat from `start` with `drug`; `planned`: days of counts before treatment."""
        self._planned += planned
        self._treat(drug, start)
        measure_routine(self._rng, self._history, self._planned, self._spans)

    def _treat(self, drug: str, start: int) -> None:
        """Give courses until treatment or follow-up ends."""
        rng, history = self._rng, self._history
        line = Line(drug, start)
        history.lines.append(line)
        visit, first = start, True
        while visit <= history.until:
            schedule = SCHEDULES[line.drug]
            last = self._give(line.drug, schedule, visit, first=first)
            due = clinic_day(rng, visit + schedule.interval + rng.randint(-4, 18))
            turn = self._fate.turn(line.drug, last, due)
            decided, due = self._suffer(turn, last, due)
            if schedule.at_home:
                change = turn.action != "continue"
                history.depleted.append((visit, decided if change else due))
            if turn.action == "continue":
                self._planned += quarterly(rng, visit, due - 21)
                self._planned += before_infusion(rng, due)
                visit, first = due, False
                continue
            if decided > history.until:
                break
            if turn.action == "stop":
                line.end, line.reason = decided, turn.reason
                self._leave_the_class(visit, last, decided)
                return
            change_on = working_day(max(due, decided + 7))
            if change_on > history.until:
                break
            line.end, line.reason = max(decided, change_on - rng.randint(1, 21)), turn.reason
            line = Line(turn.next_drug, change_on)
            history.lines.append(line)
            if turn.action == "switch_out_of_class":
                self._leave_the_class(visit, last, change_on)
                return
            self._planned += quarterly(rng, visit, change_on)
            visit, first = change_on, True
        self._planned += quarterly(rng, visit, history.until)

    def _leave_the_class(self, visit: int, last: int, left_on: int) -> None:
        """Continue follow-up without anti-CD20 doses; an episode may still occur."""
        late = self._fate.after_stopping()
        if late is not None:
            days, plan = late
            free_from = self._spans[-1][1] + 30 if self._spans else left_on
            onset = max(last + days, free_from)
            control = unfold(self._rng, self._history, plan, onset)
            self._spans.append((onset - 1, control))
        self._planned += quarterly(self._rng, visit, self._history.until)

    def _give(self, drug: str, schedule: Schedule, visit: int, *, first: bool) -> int:
        """Record a visit's doses; returns the day of the last one, given or not."""
        history = self._history
        if schedule.at_home:
            # The first injection is sometimes supervised in hospital; the others are not recorded.
            if first and self._rng.random() < 0.3:
                history.doses.append(Dose(drug, visit, schedule.amount, "mg", schedule.route))
            return visit
        last = visit
        for offset, amount in schedule.induction if first else ((0, schedule.amount),):
            last = visit + offset
            if last <= history.until:
                history.doses.append(Dose(drug, last, amount, "mg", schedule.route))
                history.depleted.append((last, last + _DEPLETION_DAYS))
        return last

    def _suffer(self, turn: Turn, last: int, due: int) -> tuple[int, int]:
        """Unfold a turn's episode. Returns the day on which treatment is decided, and the next visit."""
        rng = self._rng
        if turn.episode is None:
            return last + rng.randint(30, max(31, due - last - 7)), due
        onset = last + turn.delay
        control = unfold(rng, self._history, turn.episode, onset)
        self._spans.append((onset - 1, control))
        # The next dose is not given before the count has recovered, so a late episode postpones it.
        return onset + rng.randint(0, 5), max(due, working_day(control + rng.randint(1, 5)))
