"""Grades against the published rules taken literally: in their order, for every value that a result allows."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .grades import below_cutoff_but_within_range, grade, unit_in_doubt
from .world import World

# The first rule that holds gives the grade; the last word is the grade where none does. CTCAE asks for the LLN only
# where no absolute cut-off has decided.
CTCAE_TAIL = "1 < LLN, 0"
PUBLISHED = {
    ("udine_2025", "anc"): "severe < 0.5, moderate < 1, mild < 1.5, none",
    ("udine_2025_inclusive", "anc"): "severe < 0.5, moderate <= 1, mild < 1.5, none",
    ("ctcae_v5", "anc"): f"4 < 0.5, 3 < 1, 2 < 1.5, {CTCAE_TAIL}",
    ("ctcae_v6", "anc"): "4 < 0.1, 3 < 0.5, 2 < 1, 1 < 1.5, 0",
    ("daids_2_1", "anc"): "4 < 0.4, 3 < 0.6, 2 < 0.8, 1 <= 1, 0",
    ("ctcae_v5", "wbc"): f"4 < 1, 3 < 2, 2 < 3, {CTCAE_TAIL}",
    ("ctcae_v6", "wbc"): f"4 < 1, 3 < 2, 2 < 3, {CTCAE_TAIL}",
    ("daids_2_1", "wbc"): "4 < 1, 3 < 1.5, 2 < 2, 1 < 2.5, 0",
    ("ctcae_v5", "lymphocytes"): f"4 < 0.2, 3 < 0.5, 2 < 0.8, {CTCAE_TAIL}",
    ("daids_2_1", "lymphocytes"): "4 < 0.35, 3 < 0.5, 2 < 0.6, 1 < 0.65, 0",
    ("ctcae_v5", "platelets"): f"4 < 25, 3 < 50, 2 < 75, {CTCAE_TAIL}",
    ("ctcae_v6", "platelets"): f"4 < 10, 3 < 50, 2 < 75, {CTCAE_TAIL}",
    ("daids_2_1", "platelets"): "4 < 25, 3 < 50, 2 < 100, 1 < 125, 0",
}
OPERATORS = (None, "<", "<=", ">", ">=")
STEP, NEARER = Decimal("0.000001"), Decimal("0.000000001")
Scale = tuple[str, str]


def of_value(scale: Scale, value: Decimal, lln: Decimal | None) -> str | None:
    """The grade of one exact value, by the rules in their order."""
    *rules, otherwise = PUBLISHED[scale].split(", ")
    for rule in rules:
        name, comparison, bound = rule.split()
        if bound == "LLN" and lln is None:
            return None
        limit = lln if bound == "LLN" and lln is not None else Decimal(bound)
        if value < limit or (comparison == "<=" and value == limit):
            return name
    return otherwise


def bounds(scale: Scale) -> list[Decimal]:
    """Where a grade begins or ends, the LLN apart."""
    words = PUBLISHED[scale].replace(",", "").split()
    return [Decimal(word) for before, word in pairwise(words) if before in ("<", "<=") and word != "LLN"]


def allowed(scale: Scale, value: Decimal, operator: str | None, lln: Decimal | None) -> Iterator[Decimal]:
    """Values that the result allows, one at least on either side of wherever a grade changes."""
    if operator is None:
        yield value
        return
    for edge in (Decimal(0), *bounds(scale), *([lln] if lln is not None else []), value, Decimal(10) ** 8):
        for point in (edge - NEARER, edge, edge + NEARER):
            below, above = operator in ("<", "<=") and point < value, operator in (">", ">=") and point > value
            if point >= 0 and (below or above or (point == value and "=" in operator)):
                yield point


def expected(scale: Scale, value: Decimal, operator: str | None, lln: Decimal | None) -> str | None:
    """The one grade of all values allowed, or None."""
    grades = {of_value(scale, point, lln) for point in allowed(scale, value, operator, lln)}
    return grades.pop() if len(grades) == 1 else None


@pytest.mark.parametrize("scale", PUBLISHED, ids="-".join)
def test_every_bound_and_its_neighbours_with_every_operator_and_limit(scale: Scale) -> None:
    edges = bounds(scale)
    limits = [None, *(edge + shift for edge in (edges[0], edges[-1], 2 * edges[-1]) for shift in (-STEP, 0, STEP))]
    values = {edge + shift for edge in (*edges, 2 * edges[-1]) for shift in (-STEP, 0, STEP)} | {STEP}
    for value, operator, lln in product(sorted(values), OPERATORS, limits):
        graded = grade(scale[0], value, operator, lln, scale[1])
        assert graded == expected(scale, value, operator, lln), (value, operator, lln)
    for operator, lln in product((None, "<=", ">", ">="), limits):
        assert grade(scale[0], Decimal(0), operator, lln, scale[1]) == expected(scale, Decimal(0), operator, lln)


counts = st.decimals(min_value=STEP, max_value=400, places=6)


@given(
    scale=st.sampled_from(sorted(PUBLISHED)), value=counts, operator=st.sampled_from(OPERATORS), lln=st.none() | counts
)
def test_any_result_is_graded_as_all_the_values_it_allows(
    scale: Scale, value: Decimal, operator: str | None, lln: Decimal | None
) -> None:
    assert grade(scale[0], value, operator, lln, scale[1]) == expected(scale, value, operator, lln)


@pytest.mark.parametrize("value", ["0", "0.1", "0.7", "1.5", "9"])
def test_ctcae_v6_and_the_udine_series_do_not_grade_what_they_do_not_name(value: str) -> None:
    assert grade("ctcae_v6", Decimal(value), None, Decimal(1), "lymphocytes") is None
    for analyte in ("wbc", "lymphocytes", "platelets"):
        assert grade("udine_2025", Decimal(value), None, Decimal(1), analyte) is None


@pytest.mark.parametrize(
    ("value", "operator", "lln", "graded", "flag"),
    [
        ("1.4", None, "1.2", "2", True),
        ("1.2", None, "1.2", "2", True),
        ("1.199999", None, "1.2", "2", False),
        ("1.5", None, "1.2", "0", False),
        ("1.6", None, "2", "1", False),
        ("1.4", None, None, "2", None),
        ("1.6", None, None, None, None),
        ("0.4", "<", "0.3", "4", False),
    ],
)
def test_a_cut_off_that_overrules_the_laboratory_is_flagged(
    value: str, operator: str | None, lln: str | None, graded: str | None, flag: bool | None
) -> None:
    limit = Decimal(lln) if lln else None
    assert grade("ctcae_v5", Decimal(value), operator, limit) == graded
    assert below_cutoff_but_within_range(Decimal(value), operator, limit, graded) is flag


@pytest.mark.parametrize(
    ("analyte", "doubtful", "believed"),
    [
        ("wbc", "", "0 0.012 0.1001 1000"),
        ("lymphocytes", "1000.000001 1800", "0 0.001 0.35 1000"),
        ("platelets", "0.000001 0.25 0.999999 10000.000001 250000", "0 1 3 250 10000"),
    ],
)
def test_a_count_that_contradicts_its_unit_is_not_graded(analyte: str, doubtful: str, believed: str) -> None:
    assert all(unit_in_doubt(analyte, Decimal(value)) for value in doubtful.split())
    assert not any(unit_in_doubt(analyte, Decimal(value)) for value in believed.split())


def test_counts_are_published_in_one_unit_up_to_the_end_of_observation() -> None:
    world = World(month="2022-03")
    world.lab("6690-2", "2500", "/uL", "2022-03-01T08:00", reference_low="4000")
    world.lab("731-0", "<0.2", "10*9/L", "2022-03-31T08:00")
    world.lab("777-3", "250", "/uL", "2022-03-02")
    world.lab("718-7", "13", "g/dL", "2022-03-02")
    world.patient(death_date="2022-03-31")
    found = [
        (
            r["analyte"],
            r["value_10e9_l"],
            r["lln_10e9_l"],
            r["ctcae_v5_grade"],
            r["ctcae_v6_grade"],
            r["daids_2_1_grade"],
        )
        for r in world.table("fct_lab_grade")
    ]
    assert found == [
        ("wbc", Decimal("2.5"), Decimal(4), "2", "2", "0"),
        ("lymphocytes", Decimal("0.2"), None, "4", None, "4"),
        ("platelets", Decimal("0.25"), None, None, None, None),
    ]
