"""Suppression: the only place that decides what may be shown. Works on counts, without a release or a file.

A count is shown only if it and its complement reach the threshold k. Drugs are pooled instead of blanked, so that sums
reveal nothing, nor does the excess of the sum over the total (patients of several pools). The rule is safe against a
reader who knows it: a suppressed count could still be any of at least k numbers. The argument:
docs/decisions/0013-public-part.md; tests/unit/test_public_rule.py tries every small registry.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

Drugs = frozenset[str]

# The drugs that may be shown alone. All others of the class are always pooled, unless every single drug may be shown
# alone: they conceal the drugs pooled with them, so there must be at least two.
NAMED = ("ocrelizumab", "rituximab", "ofatumumab")


@dataclass(frozen=True)
class Case:
    """A case: the drug of the first case episode, and the measures that apply."""

    drug: str
    measures: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Counts:
    """The counts of a release before suppression.

    `exposed`: patients by the set of drugs that they took before their first case episode; they add up to all.
    `cohort`: patients to whom a measure applies, by measure.
    """

    drugs: tuple[str, ...]
    exposed: Mapping[Drugs, int]
    cases: Sequence[Case] = ()
    cohort: Mapping[str, int] | None = None
    case_measures: tuple[str, ...] = ()

    @property
    def n_patients(self) -> int:
        """All patients of the cohort."""
        return sum(self.exposed.values())

    def patients(self, drugs: Drugs) -> int:
        """Patients who took any of these drugs before their first case episode."""
        return sum(n for taken, n in self.exposed.items() if taken & drugs)

    def cases_of(self, drugs: Drugs) -> list[Case]:
        """Cases on any of these drugs."""
        return [case for case in self.cases if case.drug in drugs]


@dataclass(frozen=True)
class Shown:
    """What may be shown. The first stratum is all drugs; the others, if any, partition them.

    `measures`: case measures shown in every stratum; `overall_measures`: those shown only for all drugs together.
    """

    strata: tuple[Drugs, ...]
    patients: bool = False
    cases: frozenset[Drugs] = frozenset()
    cohort_measures: frozenset[str] = frozenset()
    measures: frozenset[str] = frozenset()
    overall_measures: frozenset[str] = frozenset()


def decide(counts: Counts, k: int, named: Sequence[str] = NAMED) -> Shown:
    """Decide what may be shown of these counts if counts below `k` are small."""
    everything = frozenset(counts.drugs)
    n_patients, n_cases = counts.n_patients, len(counts.cases)
    if n_patients < k:
        return Shown(strata=(everything,))
    cohort = frozenset(m for m, n in (counts.cohort or {}).items() if _both_reach(n, n_patients, k))
    cases_shown = _both_reach(n_cases, n_patients, k)
    parts: tuple[Drugs, ...] = ()
    # With fewer than 2k cases, two strata can't both have k of them. That follows from the number of cases alone, so
    # strata chosen by their patients reveal nothing about which drug the cases belong to.
    if n_cases < 2 * k:
        parts = _partition(counts, k, named, with_cases=False)
    elif cases_shown:
        parts = _partition(counts, k, named, with_cases=True)
    by_cases = parts if n_cases >= 2 * k else ()
    everywhere, overall = set(), set()
    for measure in counts.case_measures if cases_shown else ():
        if by_cases and all(_measure_reaches(counts, measure, part, k) for part in by_cases):
            everywhere.add(measure)
        elif _measure_reaches(counts, measure, everything, k):
            overall.add(measure)
    return Shown(
        strata=(everything, *parts),
        patients=True,
        cases=frozenset((everything, *by_cases)) if cases_shown else frozenset(),
        cohort_measures=cohort,
        measures=frozenset(everywhere),
        overall_measures=frozenset(overall),
    )


def _partition(counts: Counts, k: int, named: Sequence[str], *, with_cases: bool) -> tuple[Drugs, ...]:
    """The first partition of the drugs (each alone, or some alone and a rest) in which all strata may be shown."""
    everything = frozenset(counts.drugs)
    able = [drug for drug in named if drug in everything]
    alone: list[tuple[str, ...]] = [counts.drugs]
    if len(everything) - len(able) >= 2:
        alone += [some for size in range(len(able), 0, -1) for some in combinations(able, size)]
    for some in alone:
        rest = everything - set(some)
        parts = (*(frozenset([drug]) for drug in some), *([rest] if rest else []))
        are_shown = all(_stratum_reaches(counts, part, k, with_cases=with_cases) for part in parts)
        if are_shown and _overlap_may_be_told(counts, parts, k):
            return parts
    return ()


def _overlap_may_be_told(counts: Counts, parts: tuple[Drugs, ...], k: int) -> bool:
    """Whether the patients of several strata (the sum over the strata minus all patients) are none or many.

    A patient of n strata counts n - 1 times in that difference.
    """
    overlap = sum(counts.patients(part) for part in parts) - counts.n_patients
    return overlap == 0 or overlap >= k * (len(parts) - 1)


def _stratum_reaches(counts: Counts, drugs: Drugs, k: int, *, with_cases: bool) -> bool:
    n_patients = counts.patients(drugs)
    if not _both_reach(n_patients, counts.n_patients, k):
        return False
    return not with_cases or _both_reach(len(counts.cases_of(drugs)), n_patients, k)


def _measure_reaches(counts: Counts, measure: str, drugs: Drugs, k: int) -> bool:
    cases = counts.cases_of(drugs)
    return _both_reach(sum(measure in case.measures for case in cases), len(cases), k)


def _both_reach(n: int, of: int, k: int) -> bool:
    """Whether a count and its complement both reach the threshold."""
    return n >= k and of - n >= k
