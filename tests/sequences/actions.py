"""What people, sites and machines do to a registry, one thing after another, drawn at random."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis import strategies as st

from registry.contract import ENTITIES

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

_sites = st.sampled_from(("udine", "udine", "trieste"))
_months = st.sampled_from(MONTHS)
deliveries = st.builds(Deliver, _sites, _months, st.sampled_from((0.3, 0.7)), st.sampled_from(("", "", *DELIVERED)))
settings = st.one_of(
    st.builds(WriteStudy, st.sampled_from((28, 100, 28, 100, 0)), st.sampled_from((0, 1))),
    st.builds(WriteProfile, _sites, st.sampled_from(("", *PROFILES))),
)
changes = st.one_of(
    deliveries,
    deliveries,
    settings,
    settings,
    st.builds(Remove, _sites, st.sampled_from((*MONTHS, "")), st.sampled_from(("", *DELIVERED))),
    st.builds(Retract, _sites, _months, st.sampled_from(("", "lab_results"))),
    st.builds(RollBack, st.integers(0, 2)),
)
_steps = st.sampled_from((*REFRESH, Step("models", "fct_anc"), Step("plan", accept_missing=True)))


@st.composite
def refreshes(draw: st.DrawFn) -> list[Action]:
    """A whole refresh; perhaps something is changed between two steps of it, or it is killed."""
    steps: list[Action] = list(REFRESH)
    if draw(st.booleans()):
        steps.insert(draw(st.integers(1, len(steps) - 1)), draw(changes))
    if draw(st.booleans()):
        at = draw(st.sampled_from([number for number, step in enumerate(steps) if isinstance(step, Step)]))
        steps = [*steps[:at], replace(steps[at], killed=draw(st.integers(0, 999)))]  # type: ignore[type-var]
    return steps


@st.composite
def selections(draw: st.DrawFn) -> list[Action]:
    """Some steps alone, in their order or out of it: what one can select in the UI."""
    chosen = draw(st.lists(_steps, min_size=1, max_size=4))
    tail = WITHOUT_PLAN[draw(st.integers(0, len(WITHOUT_PLAN) - 1)) :]
    steps: list[Action] = [*chosen, *draw(st.sampled_from(((), tail)))]
    if draw(st.integers(0, 3)) == 0:
        at = draw(st.integers(0, len(steps) - 1))
        steps[at] = replace(steps[at], killed=draw(st.integers(0, 999)))  # type: ignore[type-var]
    return steps


def _alone(action: Action) -> list[Action]:
    return [action]


refused = st.sampled_from(
    [[*REFRESH[:-2], Step("judge", gate_refuses=True)], [*REFRESH[:-2], Step("publish", gate_refuses=True)]]
)
turns = st.one_of(changes.map(_alone), changes.map(_alone), refreshes(), selections(), refused)


def sequences(at_most: int) -> st.SearchStrategy[list[Action]]:
    """A sequence: changes, refreshes and steps alone."""
    return st.lists(turns, min_size=2, max_size=at_most).map(lambda found: [one for turn in found for one in turn])
