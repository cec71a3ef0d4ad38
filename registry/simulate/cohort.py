"""The general cohort: its patients, and the random course of their treatment.

A patient depends only on the seed and the patient's number, so that the first thousand patients of a million are those
of a small cohort.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from registry.simulate import published
from registry.simulate.days import YEAR, clinic_day, day_before, winter, working_day
from registry.simulate.dosing import OTHER_AFTER, OTHER_BEFORE, SCHEDULES
from registry.simulate.history import Draw, Event, History, Line, Person
from registry.simulate.neutropenia import EpisodePlan, background_infection, draw_plan
from registry.simulate.sampling import before_infusion, measure_routine, quarterly
from registry.simulate.sites import Site
from registry.simulate.treatment import Action, TreatmentPath, Turn

_CHANGES: tuple[tuple[str, float], ...] = (("switch_in_class", 0.35), ("switch_out_of_class", 0.3))
_REASONS = (("inefficacy", 0.35), ("patient_choice", 0.25), ("pregnancy", 0.15), ("other", 0.1))


@dataclass(frozen=True, slots=True)
class Profile:
    """Parameters shared by a cohort's patients. Days are ordinals, rates are per year.

    First doses are between `first_entry` and `last_entry`; nothing is known after `end`. `mix`: the share of each drug
    among first drugs; `marketed`: the day from which each is available.
    """

    first_entry: int
    last_entry: int
    end: int
    mix: tuple[tuple[str, float], ...]
    marketed: tuple[tuple[str, int], ...] = ()
    change_rate: float = 0.05
    death_rate: float = 0.003
    lost_rate: float = 0.03
    infection_rate: float = 0.12
    relapse_rate: float = 0.08
    never_treated: float = 0.0
    started_earlier: float = 0.0
    birth_missing: float = 0.0
    low_at_baseline: float = 0.0
    baseline_count: float = 0.93

    def available(self, drug: str, day: int) -> bool:
        """Whether a drug can be given on a day."""
        return all(day >= since for name, since in self.marketed if name == drug)

    def choose_drug(self, rng: random.Random, day: int, *, but: str = "") -> str:
        """Draw a drug of the class by its share among those available."""
        mix = [(d, share) for d, share in self.mix if d != but and self.available(d, day)]
        return rng.choices([d for d, _ in mix], [share for _, share in mix])[0]


class Chance:
    """The general cohort's `CourseModel`: rates and shares as published."""

    def __init__(self, rng: random.Random, profile: Profile, *, neutropenia: bool = True) -> None:
        self._rng = rng
        self._profile = profile
        self._first_rate = published.FIRST_RATE_PER_YEAR if neutropenia else 0.0
        self._had_episode = False
        self._prone = False

    def turn(self, drug: str, last_dose: int, due: int) -> Turn:
        """See `CourseModel`."""
        rng, years = self._rng, (due - last_dose) / YEAR
        risk = self._first_rate * years * published.RELATIVE_RATE[drug]
        if self._had_episode:
            risk = published.RECURRENCE_PER_COURSE if self._prone else 0.0
        if rng.random() < risk:
            if not self._had_episode:
                self._had_episode, self._prone = True, rng.random() < published.RECURRENCE_PRONE
            delay = round(published.draw_from(rng, published.ONSET_DAYS_AFTER_DOSE))
            action = published.choose(rng, published.ACTIONS, "stop")
            return self._change(action, drug, due, "adverse_event", draw_plan(rng), delay)
        if rng.random() < self._profile.change_rate * years:
            reason = published.choose(rng, _REASONS, "adverse_event")
            return self._change(published.choose(rng, _CHANGES, "stop"), drug, due, reason)
        return Turn()

    def _change(
        self,
        action: str,
        drug: str,
        day: int,
        reason: str,
        episode: EpisodePlan | None = None,
        delay: int = 0,
    ) -> Turn:
        taken: Action = "continue"
        next_drug = ""
        if action == "switch_in_class":
            taken = "switch_in_class"
            next_drug = self._profile.choose_drug(self._rng, day, but=drug)
        elif action == "switch_out_of_class":
            taken = "switch_out_of_class"
            next_drug = self._rng.choice(OTHER_AFTER)
        elif action == "stop":
            taken = "stop"
        return Turn(taken, episode, delay, next_drug, reason)

    def after_stopping(self) -> tuple[int, EpisodePlan] | None:
        """See `CourseModel`."""
        rng = self._rng
        if not self._had_episode or rng.random() >= published.RECURRENCE_AFTER_STOPPING:
            return None
        return rng.randint(90, 330), draw_plan(rng)


def draw_person(rng: random.Random, patient: int, site: Site, index_day: int, first_line: int) -> Person:
    """Demographics of patient number `patient`, an adult whose MS began before `first_line`."""
    age_days = max(19.0, min(69.0, rng.gauss(41, 11))) * YEAR
    birth = index_day - round(age_days)
    ms_onset = max(birth + round(16 * YEAR), first_line - rng.randint(60, 1400))
    phenotype = published.choose(rng, (("RRMS", 0.79), ("SPMS", 0.08), ("PPMS", 0.1)), "CIS")
    return Person(
        patient_id=f"SYN-{patient + 1:07d}",
        site=site,
        sex="F" if rng.random() < 0.68 else "M",
        birth=birth,
        phenotype=phenotype,
        ms_onset=min(ms_onset, first_line),
        duffy_null=rng.random() < 0.015,
        duffy_tested=rng.random() < 0.25,
    )


def _lines_before(rng: random.Random, start: int) -> list[Line]:
    """0 to 2 earlier disease-modifying lines of other classes, oldest first."""
    lines: list[Line] = []
    drugs = list(OTHER_BEFORE)
    for _ in range(rng.choices((0, 1, 2), (0.5, 0.33, 0.17))[0]):
        end = start - rng.randint(20, 120)
        start = end - rng.randint(150, 1300)
        drug = drugs.pop(rng.randrange(len(drugs)))
        lines.insert(0, Line(drug, start, end, rng.choice(("inefficacy", "patient_choice"))))
    return lines


def follow_up(rng: random.Random, profile: Profile, start: int) -> tuple[int, int | None]:
    """The last day of follow-up, and the day of death if death ends it."""
    death = start + round(rng.expovariate(profile.death_rate) * YEAR)
    lost = start + round(rng.expovariate(profile.lost_rate) * YEAR)
    until = min(profile.end, death, lost)
    return until, death if death == until else None


def simulate_patient(
    rng: random.Random,
    patient: int,
    site: Site,
    profile: Profile,
    *,
    neutropenia: bool = True,
) -> History:
    """The history of patient number `patient`."""
    start = clinic_day(rng, rng.randint(profile.first_entry, profile.last_entry))
    if rng.random() < profile.started_earlier:
        start = working_day(profile.first_entry - rng.randint(30, 700))
    lines = _lines_before(rng, start)
    until, death = follow_up(rng, profile, start)
    person = draw_person(rng, patient, site, start, lines[0].start if lines else start)
    entry = day_before(start - rng.randint(1, 20))
    history = History(person, entry, until, death, lines)
    if rng.random() < profile.birth_missing:
        person.birth = None
    planned = [entry] if rng.random() < profile.baseline_count else []
    if rng.random() < profile.low_at_baseline:
        planned = []
        history.draws.append(Draw(entry, round(rng.uniform(0.6, 0.97), 2)))
    if rng.random() < profile.never_treated:
        history.lines.append(Line(rng.choice(OTHER_BEFORE), start))
        measure_routine(rng, history, planned + quarterly(rng, start, until), [])
    else:
        drug = profile.choose_drug(rng, start)
        if len(SCHEDULES[drug].induction) > 1:
            planned += before_infusion(rng, start + SCHEDULES[drug].induction[1][0])
        TreatmentPath(rng, history, Chance(rng, profile, neutropenia=neutropenia)).run(drug, start, planned)
    add_background(rng, history, profile)
    return history


def add_background(rng: random.Random, history: History, profile: Profile) -> None:
    """Add infections, more frequent in winter, and relapses, at the rates of any patient with MS."""
    day = history.entry
    while True:
        day += 1 + round(rng.expovariate(profile.infection_rate * 1.6) * YEAR)
        if day > history.until:
            break
        if rng.random() < (1 + 0.6 * winter(day)) / 1.6:
            history.events.append(background_infection(rng, day))
    day = history.entry
    while (day := day + 1 + round(rng.expovariate(profile.relapse_rate) * YEAR)) <= history.until:
        history.events.append(Event("relapse", day, None, "", "clinical relapse"))
    history.events.sort(key=lambda event: (event.onset, event.event_type))
