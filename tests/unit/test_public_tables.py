"""An attack on the public tables: everything shown becomes a constraint, and every withheld count is bounded.

Larger registries than can be listed, with all that the tables hold: counts, percentages, intervals, rates with
person-years, pools, sums and complements, and what anyone knows of the world (ten years of follow-up at most).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import LinearConstraint, milp

from registry.release.public.counts import CASE_MEASURES, COHORT_MEASURES, Read
from registry.release.public.suppression import NAMED, Case, Counts, decide
from registry.release.public.tables import Table, tables
from registry.statistics.intervals import rate_interval, risk_interval

DRUGS = tuple(sorted((*NAMED, "obinutuzumab", "ublituximab")))
SETS = [frozenset(some) for size in (1, 2, 3) for some in combinations(DRUGS, size)]
YEARS = 10.0
DERIVED = {
    "incidence": {
        "n_cases": ("risk_pct", "risk_low", "risk_high", "rate_per_100py", "rate_low", "rate_high"),
        "n_patients": ("person_years",),
    },
    "cohort": {"n": ("share_pct", "share_low", "share_high")},
    "cases": {"n": ("share_pct", "share_low", "share_high")},
}


@st.composite
def registries(draw: st.DrawFn) -> Read:
    """Few or many patients of each set of drugs, few or many of them cases, the measures as they fall."""
    few_or_many = st.one_of(st.just(0), st.integers(0, 6), st.integers(0, 60))
    exposed = {drugs: draw(few_or_many) for drugs in draw(st.lists(st.sampled_from(SETS), unique=True, max_size=8))}
    cases, years = [], dict.fromkeys(DRUGS, 0.0)
    for drugs, n in exposed.items():
        for drug in sorted(drugs):
            years[drug] += n * draw(st.floats(0.1, YEARS)) / len(drugs)
        share = draw(st.sampled_from([0, 0, 10, 4, 2, 1]))
        for number in range(n // share if share else 0):
            holding = draw(st.frozensets(st.sampled_from(sorted(CASE_MEASURES))))
            cases.append(Case(sorted(drugs)[number % len(drugs)], holding))
    total = sum(exposed.values())
    cohort = {measure: draw(st.integers(0, total)) for measure in COHORT_MEASURES}
    return Read(Counts(DRUGS, exposed, cases, cohort, tuple(CASE_MEASURES)), years, {})


def drugs_of(stratum: str) -> frozenset[str]:
    if stratum == "all drugs":
        return frozenset(DRUGS)
    return frozenset(stratum.removeprefix("pooled: ").split(", "))


class Attack:
    """Whole unknowns: patients by set of drugs; of each drug its cases, and its cases of one measure. And its years."""

    def __init__(self, made: dict[str, Table], measure: str) -> None:
        self.n = len(SETS) + 3 * len(DRUGS)
        self.rows: list[tuple[np.ndarray, float, float]] = []
        for drug in DRUGS:
            self.holds(self.cases({drug}) - self.patients({drug}), -np.inf, 0)
            self.holds(self.measured({drug}) - self.cases({drug}), -np.inf, 0)
            self.holds(self.years({drug}) - YEARS * self.patients({drug}), -np.inf, 0)
        self.holds(self.cases(DRUGS) - self.patients(DRUGS), -np.inf, 0)
        for row in made["incidence"]:
            drugs = drugs_of(row["stratum"])
            self.shown(self.patients(drugs), row["n_patients"])
            self.shown(self.cases(drugs), row["n_cases"])
            if row["person_years"] is not None:
                self.holds(self.years(drugs), row["person_years"] - 0.05, row["person_years"] + 0.05)
        for row in made["cases"]:
            self.shown(self.cases(drugs_of(row["stratum"])), row["denominator"])
            if row["measure"] == measure:
                self.shown(self.measured(drugs_of(row["stratum"])), row["n"])

    def unit(self, first: int, wanted: Iterator[bool]) -> np.ndarray:
        vector = np.zeros(self.n)
        for place, is_wanted in enumerate(wanted):
            vector[first + place] = is_wanted
        return vector

    def patients(self, drugs: Any) -> np.ndarray:
        return self.unit(0, (bool(some & frozenset(drugs)) for some in SETS))

    def several(self) -> np.ndarray:
        return self.unit(0, (len(some) > 1 for some in SETS))

    def of_drug(self, block: int, drugs: Any) -> np.ndarray:
        return self.unit(len(SETS) + block * len(DRUGS), (drug in drugs for drug in DRUGS))

    def cases(self, drugs: Any) -> np.ndarray:
        return self.of_drug(0, drugs)

    def measured(self, drugs: Any) -> np.ndarray:
        return self.of_drug(1, drugs)

    def years(self, drugs: Any) -> np.ndarray:
        return self.of_drug(2, drugs)

    def holds(self, vector: np.ndarray, low: float, high: float) -> None:
        self.rows.append((vector, low, high))

    def shown(self, vector: np.ndarray, value: int | None) -> None:
        if value is not None:
            self.holds(vector, value, value)

    def range_of(self, vector: np.ndarray) -> tuple[int, float]:
        """The least and the greatest number that a sum of unknowns can be."""
        constraints = LinearConstraint(*(np.array(part) for part in zip(*self.rows, strict=True)))
        whole = np.ones(self.n)
        whole[-len(DRUGS) :] = 0
        ends = []
        for sign in (1, -1):
            solved = milp(sign * vector, constraints=constraints, integrality=whole)
            assert solved.status in (0, 3, 4), solved.message
            ends.append(np.inf if solved.x is None else round(solved.fun * sign))
        return int(ends[0]), ends[1]


@settings(max_examples=25, deadline=None)
@given(registries())
def test_no_withheld_count_can_be_bounded_to_fewer_numbers_than_are_small(read: Read) -> None:
    k = 5
    shown = decide(read.counts, k)
    made = tables(read, shown)
    measure = "severe"
    attack = Attack(made, measure)
    pools = [part for part in shown.strata[1:] if len(part) > 1]
    for drugs in [frozenset([drug]) for drug in DRUGS] + [frozenset(DRUGS)]:
        n_patients, n_cases = read.counts.patients(drugs), len(read.counts.cases_of(drugs))
        n_measured = sum(measure in case.measures for case in read.counts.cases_of(drugs))
        truths = {
            "patients": (attack.patients(drugs), n_patients),
            "cases": (attack.cases(drugs), n_cases),
            "no cases": (attack.patients(drugs) - attack.cases(drugs), n_patients - n_cases),
            "measured": (attack.measured(drugs), n_measured),
            "not measured": (attack.cases(drugs) - attack.measured(drugs), n_cases - n_measured),
        }
        if len(drugs) == 1:
            others = read.counts.n_patients - n_patients
            truths["patients of others alone"] = (attack.patients(DRUGS) - attack.patients(drugs), others)
        else:
            several = sum(n for some, n in read.counts.exposed.items() if len(some) > 1)
            if several:  # that nobody took two may be told
                truths["patients of several"] = (attack.several(), several)
        for what, (vector, truth) in truths.items():
            if truth < k:
                low, high = attack.range_of(vector)
                assert high - low >= k - 1, (what, sorted(drugs), truth, low, high)
                if any(drugs < pool for pool in pools):
                    assert (low, high >= k - 1) == (0, True), (what, sorted(drugs), truth, low, high)


@settings(max_examples=100, deadline=None)
@given(registries(), st.integers(2, 12))
def test_no_small_count_is_shown_and_no_figure_without_the_counts_that_it_is_made_of(read: Read, k: int) -> None:
    for name, table in tables(read, decide(read.counts, k)).items():
        for row in table:
            n, of = ("n_cases", "n_patients") if name == "incidence" else ("n", "denominator")
            assert row[of] is None or row[of] >= k
            if row[n] is not None:
                assert min(row[n], row[of] - row[n]) >= k
            for count, figures in DERIVED[name].items():
                assert row[count] is not None or all(row[figure] is None for figure in figures), row


@given(registries(), st.integers(2, 12))
@settings(max_examples=30, deadline=None)
def test_figures_are_those_of_the_shown_counts(read: Read, k: int) -> None:
    """Worked out from what stands beside them, so that they can tell nothing else."""
    for row in tables(read, decide(read.counts, k))["incidence"]:
        if row["n_cases"] is not None:
            risk = risk_interval(row["n_cases"], row["n_patients"])
            rate = rate_interval(row["n_cases"], row["person_years"])
            assert (row["risk_pct"], row["risk_high"]) == (round(risk.pct or 0, 2), round(risk.high or 0, 2))
            assert (row["rate_low"], row["rate_high"]) == (round(rate.low or 0, 2), round(rate.high or 0, 2))
