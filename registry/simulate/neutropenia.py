"""One episode of neutropenia: counts, G-CSF, infection, hospital stay, and adjudication.

A plan (nadir, days, treatment) is drawn from the published figures or scripted; `unfold` turns it into the samples,
doses and events that a hospital would record.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from math import exp, log

from registry.simulate import published
from registry.simulate.dosing import GCSF
from registry.simulate.history import Dose, Draw, Event, History, Review

_INFECTIONS = (
    ("J06.9", "upper respiratory infection"),
    ("N39.0", "urinary tract infection"),
    ("J18.9", "pneumonia"),
    ("K12.1", "stomatitis"),
    ("B00.9", "herpes simplex infection"),
)


@dataclass(frozen=True, slots=True)
class EpisodePlan:
    """ANC in 10*9/L, days from onset. `rebound`: low again after the first rise under G-CSF."""

    nadir: float
    nadir_day: int
    recovery_day: int
    gcsf: str | None = None
    gcsf_doses: int = 0
    rebound: bool = False
    infection: bool = False
    hospitalised: bool = False
    febrile: bool = False
    verdict: str | None = None


def draw_plan(rng: random.Random) -> EpisodePlan:
    """Draw an episode as described in the case series."""
    nadir = round(published.draw_from(rng, published.NADIR), 2)
    nadir_day = rng.choice((0, 0, 1, 2, 3))
    treated = rng.random() < published.GCSF_SHARE
    spontaneous = exp(rng.gauss(log(published.RECOVERY_MEDIAN_DAYS), published.RECOVERY_LOG_SD))
    recovery_day = nadir_day + (rng.randint(2, 7) if treated else max(2, min(75, round(spontaneous))))
    agent = published.choose(rng, (("filgrastim", 0.75), ("lenograstim", 0.1)), "pegfilgrastim")
    verdict = None
    if rng.random() < published.REVIEWED_SHARE:
        other = rng.random() < published.OTHER_CAUSE_SHARE / published.REVIEWED_SHARE
        verdict = "other_cause" if other else "confirmed"
    return EpisodePlan(
        nadir=nadir,
        nadir_day=nadir_day,
        recovery_day=recovery_day,
        gcsf=agent if treated else None,
        gcsf_doses=(rng.randint(2, 4) if agent != "pegfilgrastim" else 1) if treated else 0,
        rebound=treated and rng.random() < published.GCSF_REBOUND_SHARE,
        infection=rng.random() < published.INFECTION_SHARE,
        hospitalised=rng.random() < published.HOSPITAL_SHARE,
        febrile=nadir < 0.5 and rng.random() < published.FEBRILE_SHARE_IF_SEVERE,
        verdict=verdict,
    )


def unfold(rng: random.Random, history: History, plan: EpisodePlan, onset: int) -> int:
    """Add an episode to a history. Returns the day of the check after recovery.

    Nothing is added after the end of follow-up, so an episode may be left open there.
    """
    counts = _counts(rng, plan)
    recovered = onset + plan.recovery_day
    if plan.rebound:
        relapse = plan.recovery_day + rng.randint(4, 8)
        counts[relapse] = round(rng.uniform(0.35, 0.9), 2)
        _give_gcsf(history, plan, onset + relapse, 2)
        recovered = onset + relapse + rng.randint(3, 6)
        counts[recovered - onset] = round(rng.uniform(2.2, 6.0), 2)
    control = recovered + rng.randint(7, 10)
    counts[control - onset] = round(rng.uniform(1.9, 4.2), 2)
    history.draws += [
        Draw(onset + day, anc, urgent=True) for day, anc in counts.items() if onset + day <= history.until
    ]
    if onset <= history.until:
        _give_gcsf(history, plan, onset + min(1, plan.nadir_day), plan.gcsf_doses)
        _add_events(rng, history, plan, onset)
    return control


def _counts(rng: random.Random, plan: EpisodePlan) -> dict[int, float]:
    """ANC by day from onset to recovery, with the nadir as the only lowest value."""
    below = min(0.97, plan.nadir + 0.01 + rng.random() * max(0.0, 0.95 - plan.nadir))
    counts = {0: plan.nadir if plan.nadir_day == 0 else round(below, 2)}
    counts[plan.nadir_day] = plan.nadir
    ascent = plan.recovery_day - plan.nadir_day
    day = plan.nadir_day + rng.randint(1, 3)
    while day < plan.recovery_day:
        share = (day - plan.nadir_day) / ascent
        value = plan.nadir + (1.4 - plan.nadir) * share * share * rng.uniform(0.7, 1.0)
        counts[day] = round(max(plan.nadir + 0.01, min(1.45, value)), 2)
        day += rng.randint(1, 3) if day < 7 else rng.randint(2, 6)
    # G-CSF makes the count rebound above normal within two days.
    recovery = rng.uniform(3.2, 12.5) if plan.gcsf else rng.uniform(1.55, 2.9)
    counts[plan.recovery_day] = round(recovery, 2)
    return counts


def _give_gcsf(history: History, plan: EpisodePlan, start: int, doses: int) -> None:
    if plan.gcsf is None:
        return
    amount, unit, daily = GCSF[plan.gcsf]
    history.doses += [
        Dose(plan.gcsf, start + day, amount, unit, "SC")
        for day in range(doses if daily else 1)
        if start + day <= history.until
    ]


def _add_events(rng: random.Random, history: History, plan: EpisodePlan, onset: int) -> None:
    if plan.infection:
        infected = min(history.until, onset + rng.randint(-3, 3))
        code, description = rng.choice(_INFECTIONS)
        history.events.append(Event("infection", infected, infected + rng.randint(5, 14), code, description))
    if plan.hospitalised:
        history.events.append(Event("hospitalisation", onset, onset + rng.randint(2, 9), "", "admission"))
    if plan.febrile:
        history.events.append(Event("febrile_neutropenia", onset, onset + rng.randint(1, 4), "D70", "fever over 38 C"))
    if plan.verdict is not None:
        reviewed = onset + plan.recovery_day + rng.randint(14, 60)
        if reviewed <= history.until:
            role = rng.choice(("neurologist", "haematologist"))
            history.reviews.append(Review(onset - 3, onset + 3, plan.verdict, reviewed, role))


def background_infection(rng: random.Random, day: int) -> Event:
    """An infection unrelated to the neutrophil count."""
    code, description = rng.choice(_INFECTIONS)
    return Event("infection", day, day + rng.randint(4, 12), code, description)
