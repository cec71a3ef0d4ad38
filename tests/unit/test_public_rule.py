"""The rule of the public part against a reader who knows it: every small registry is tried.

A reader who sees a public part and knows the rule can list the registries that would have given the same one. Whatever
is withheld must differ among them by at least as many numbers as there are counts below the threshold.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations

import pytest

from registry.release.public.suppression import Case, Counts, Drugs, Shown, decide

NAMED = ("a", "b")  # y and z are always pooled, unless every drug may stand alone


def view(counts: Counts, shown: Shown) -> tuple[object, ...]:
    """All counts that are shown; every other figure follows from them, but for person-years."""
    everything = shown.strata[0]

    def measured(drugs: Drugs) -> int | None:
        is_shown = shown.measures or (drugs == everything and shown.overall_measures)
        return sum("m" in case.measures for case in counts.cases_of(drugs)) if is_shown else None

    return (
        counts.n_patients if shown.patients else None,
        {measure: (counts.cohort or {})[measure] for measure in shown.cohort_measures},
        *(
            (
                sorted(drugs),
                counts.patients(drugs) if shown.patients else None,
                len(counts.cases_of(drugs)) if drugs in shown.cases else None,
                measured(drugs) if drugs in shown.cases else None,
            )
            for drugs in shown.strata
        ),
    )


def facts(counts: Counts) -> dict[str, int]:
    """Everything that a reader may want to know, by name."""
    n_cases = len(counts.cases)
    found = {"patients": counts.n_patients, "cases": n_cases, "no cases": counts.n_patients - n_cases}
    for drug in counts.drugs:
        alone = frozenset([drug])
        cases = counts.cases_of(alone)
        found[f"patients {drug}"] = counts.patients(alone)
        found[f"cases {drug}"] = len(cases)
        found[f"no cases {drug}"] = counts.patients(alone) - len(cases)
        if counts.case_measures:
            found[f"measured {drug}"] = sum("m" in case.measures for case in cases)
    if counts.cohort:
        found |= {"untested": counts.cohort["untested"], "tested": counts.n_patients - counts.cohort["untested"]}
    if counts.case_measures:
        found["measured"] = sum("m" in case.measures for case in counts.cases)
    return found


def drugs_taken(counts: Counts) -> dict[str, int]:
    """What differences between numbers of patients may tell: who took these drugs alone, none of them, or several."""
    found = {"".join(sorted(some)) + " and no more": n for some, n in counts.exposed.items()}
    for some in counts.exposed.keys() - {frozenset(counts.drugs)}:
        found["none of " + "".join(sorted(some))] = counts.n_patients - counts.patients(some)
    return found | {"several": sum(n for some, n in counts.exposed.items() if len(some) > 1)}


def split(total: int, parts: int) -> Iterator[tuple[int, ...]]:
    """Every way to share out a number among so many parts."""
    for bars in combinations(range(total + parts - 1), parts - 1):
        edges = (-1, *bars, total + parts - 1)
        yield tuple(edges[i + 1] - edges[i] - 1 for i in range(parts))


Kind = tuple[str, Case | None, bool]


def registries(total: int, kinds: Sequence[Kind], measures: tuple[str, ...]) -> Iterator[Counts]:
    """Every registry of so many patients, each of one kind: drugs taken, the case that they became, never tested."""
    drugs = tuple(sorted({drug for taken, _, _ in kinds for drug in taken}))
    may_be_untested = any(untested for _, _, untested in kinds)
    for numbers in split(total, len(kinds)):
        exposed: dict[Drugs, int] = defaultdict(int)
        cases: list[Case] = []
        for (taken, case, _), n in zip(kinds, numbers, strict=True):
            exposed[frozenset(taken)] += n
            cases += [case] * n if case else []
        n_untested = sum(n for (_, _, untested), n in zip(kinds, numbers, strict=True) if untested)
        yield Counts(drugs, exposed, cases, {"untested": n_untested} if may_be_untested else None, measures)


def kinds_of(*taken: str, measure: str = "", untested: bool = False) -> list[Kind]:
    """Patients who took these drugs, each string one set of them: no case, or a case of one, with a measure or not.

    `untested`: who is no case may also be one who was never tested.
    """
    of_one = [(drugs, None, False) for drugs in taken] + [(drugs, Case(d), False) for drugs in taken for d in drugs]
    of_one += [(drugs, None, True) for drugs in taken] if untested else []
    return of_one + [(drugs, Case(drug, frozenset(m)), False) for m in measure for drugs in taken for drug in drugs]


@pytest.mark.parametrize(
    ("k", "totals", "kinds", "measures"),
    [
        pytest.param(2, range(9), kinds_of("a", "b", "y", "z"), (), id="one drug each"),
        pytest.param(3, range(9, 12), kinds_of("a", "b", "y", "z"), (), id="threshold 3"),
        pytest.param(2, range(7), kinds_of("a", "y", "z", "ay", "az", "yz"), (), id="two drugs each"),
        pytest.param(2, range(6, 9), kinds_of("a", "y", "z", measure="m"), ("m",), id="a measure of cases"),
        pytest.param(2, range(8), kinds_of("a", "y", "z", untested=True), (), id="some never tested"),
    ],
)
def test_whoever_knows_the_rule_cannot_tell_a_small_count_from_others(
    k: int, totals: range, kinds: list[Kind], measures: tuple[str, ...]
) -> None:
    possible: dict[str, dict[str, set[int]]] = {}
    pooled: dict[str, Drugs] = {}
    for total in totals:
        for counts in registries(total, kinds, measures):
            shown = decide(counts, k, NAMED)
            key = repr(view(counts, shown))
            pooled[key] = frozenset[str]().union(*(part for part in shown.strata[1:] if len(part) > 1))
            seen = possible.setdefault(key, defaultdict(set))
            for name, value in facts(counts).items():
                seen[name].add(value)
    assert any(pooled.values()), "no drug was ever shown: nothing was tried"
    for key, seen in possible.items():
        for name, values in seen.items():
            assert min(values) >= k or len(values) >= k, (key, name, values)
        for drug in pooled[key]:
            assert set(range(k)) <= seen[f"patients {drug}"], (key, drug)
            assert set(range(k)) <= seen[f"cases {drug}"], (key, drug)


def sets_of(drugs: str) -> list[Kind]:
    """Patients who took any set of these drugs; without cases, which have one drug each."""
    return [("".join(some), None, False) for size in range(1, len(drugs) + 1) for some in combinations(drugs, size)]


@pytest.mark.parametrize(
    ("k", "totals", "drugs"),
    [(2, range(9), "ayz"), (3, range(8, 12), "ayz"), (2, range(4, 6), "abyz")],
    ids=["two strata", "threshold 3", "three strata"],
)
def test_nor_can_a_small_number_of_patients_of_several_drugs_be_told(k: int, totals: range, drugs: str) -> None:
    """The sum over the strata less all patients is the number of those in several: none, or no small count."""
    possible: dict[str, dict[str, set[int]]] = {}
    differences: set[int] = set()
    for total in totals:
        for counts in registries(total, sets_of(drugs), ()):
            shown = decide(counts, k, NAMED)
            if len(shown.strata) > 1:
                differences.add(sum(counts.patients(part) for part in shown.strata[1:]) - total)
            seen = possible.setdefault(repr(view(counts, shown)), defaultdict(set))
            for name, value in drugs_taken(counts).items():
                seen[name].add(value)
    assert {0} < differences, "both are shown: none and many"
    assert not differences & set(range(1, k))
    for key, seen in possible.items():
        for name, values in seen.items():
            # that nobody took drugs of two strata may be told: it is of no one
            is_nobody = values == {0} and (name == "several" or re.fullmatch("..+ and no more", name))
            assert min(values) >= k or len(values) >= k or is_nobody, (key, name, values)
