"""What people, sites and machines do to a registry, one thing after another, drawn at random."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from registry.config.input_contract import ENTITIES

SITES = ("udine", "trieste")
MONTHS = ("2025-01", "2025-02")
DELIVERED = ("patients", "administrations", "lab_results")
PROFILES = (
    "mode: snapshot\n",
    "codes: {tests: {'NEU': anc}}\n",
    "columns: {lab_results: {note: ignore}}\n",
    "csv: {decimal: ','}\n",
)


@dataclass(frozen=True)
class Deliver:
    """A month arrives, or is delivered again with another count; of it perhaps one file alone."""

    site: str
    month: str
    anc: float
    only: str = ""


@dataclass(frozen=True)
class Remove:
    """A file, a month or a site's whole folder is taken away."""

    site: str
    month: str = ""
    entity: str = ""


@dataclass(frozen=True)
class WriteStudy:
    """registry.yml is edited, or removed where `late_days` is 0."""

    late_days: int
    keep_releases: int = 0


@dataclass(frozen=True)
class WriteProfile:
    """A site's site.yml is edited, or removed where it is empty."""

    site: str
    text: str


@dataclass(frozen=True)
class Retract:
    """A month, or a file of it, is retracted; where it is already, that is taken back."""

    site: str
    month: str
    entity: str = ""


@dataclass(frozen=True)
class RollBack:
    """Back to the n-th release."""

    number: int


@dataclass(frozen=True)
class Step:
    """A step under the plan made last.

    name: plan, load, build, models, statistics, judge or publish; `of`: an entity, or a model.
    killed: cut off at this part of its work, in thousandths; -1 lets it end. The gate may refuse.
    """

    name: str
    of: str = ""
    killed: int = -1
    gate_refuses: bool = False
    accept_missing: bool = False


Action = Deliver | Remove | WriteStudy | WriteProfile | Retract | RollBack | Step

LOADS = tuple(Step("load", entity) for entity in ENTITIES)
REFRESH = (Step("plan"), *LOADS, Step("build"), Step("statistics"), Step("judge"), Step("publish"))
WITHOUT_PLAN = REFRESH[1:]

_STEPS = (*REFRESH, Step("models", "fct_anc"), Step("plan", accept_missing=True))


def sequence(seed: int, turns: int = 4) -> list[Action]:
    """Changes, refreshes and steps alone; always the same of one seed."""
    rng = random.Random(seed)
    kinds = (_change, _change, _refresh, _refresh, _selection, _refused)
    return [action for _ in range(turns) for action in rng.choice(kinds)(rng)]


def _change(rng: random.Random) -> list[Action]:
    site, month = rng.choice(("udine", "udine", "trieste")), rng.choice(MONTHS)
    deliver = Deliver(site, month, rng.choice((0.3, 0.7)), rng.choice(("", "", *DELIVERED)))
    write_study = WriteStudy(rng.choice((28, 100, 28, 100, 0)), rng.choice((0, 1)))
    remove = Remove(site, rng.choice((*MONTHS, "")), rng.choice(("", *DELIVERED)))
    retract = Retract(site, month, rng.choice(("", "lab_results")))
    profile = WriteProfile(site, rng.choice(("", *PROFILES)))
    weights = {deliver: 3, write_study: 2, profile: 2, remove: 1, retract: 1, RollBack(rng.randrange(3)): 1}
    return rng.choices(list(weights), list(weights.values()))


def _refresh(rng: random.Random) -> list[Action]:
    """A whole refresh; perhaps something is changed between two steps of it, or it is killed."""
    steps: list[Action] = [*_change(rng), *REFRESH]
    if rng.random() < 0.5:
        at = rng.randrange(2, len(steps))
        steps[at:at] = _change(rng)
    if rng.random() < 0.5:
        steps = _killed(rng, steps)
    return steps


def _selection(rng: random.Random) -> list[Action]:
    """Some steps alone, in their order or out of it, perhaps with all that come after one: as selected in the UI."""
    chosen: list[Action] = rng.choices(_STEPS, k=rng.randint(1, 4))
    if rng.random() < 0.5:
        chosen += REFRESH[rng.randrange(1, len(REFRESH)) :]
    return _killed(rng, chosen) if rng.random() < 0.25 else chosen


def _refused(rng: random.Random) -> list[Action]:
    """A refresh that the gate refuses."""
    return [*_change(rng), *REFRESH[:-2], replace(rng.choice(REFRESH[-2:]), gate_refuses=True)]


def _killed(rng: random.Random, steps: list[Action]) -> list[Action]:
    """These steps up to one that is killed."""
    at, step = rng.choice([(number, step) for number, step in enumerate(steps) if isinstance(step, Step)])
    return [*steps[:at], replace(step, killed=rng.randrange(1000))]
