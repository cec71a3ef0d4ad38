"""Hand-worked examples of harmonisation and grading."""

from __future__ import annotations

from decimal import Decimal

import pytest

from .grades import grade
from .model import Site
from .world import World

AT = "2022-03-01T08:00"
PARTS = {
    "wbc": ("6690-2", "10*9/L"),
    "neut": ("770-8", "%"),
    "bands": ("26508-2", "%"),
    "segs": ("SEG%", "%"),
    "lymph": ("736-9", "%"),
    "segs_abs": ("768-2", "10*9/L"),
    "bands_abs": ("26507-4", "10*9/L"),
    "anc": ("751-8", "10*9/L"),
}


def derived(*parts: tuple[str, str], includes_bands: bool = False) -> list[tuple[Decimal, str]]:
    """ANC values and derivations from parts of one specimen."""
    site = Site(tests={"SEG%": "segs_pct"}, neutrophils_pct_includes_bands=includes_bands)
    world = World(site=site)
    for name, value in parts:
        code, unit = PARTS[name]
        world.lab(code, value, unit, AT, specimen_id="S")
    return [(r["anc_10e9_l"], r["derivation"]) for r in world.table("fct_anc")]


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([("wbc", "2"), ("neut", "40")], ["0.8"]),
        ([("wbc", "2"), ("neut", "40"), ("bands", "10")], ["1"]),
        ([("wbc", "2.4"), ("wbc", "2"), ("neut", "40"), ("neut", "41")], ["0.8"]),
        ([("wbc", "3"), ("wbc", "2"), ("neut", "40"), ("neut", "50")], []),
        ([("wbc", "2.9"), ("neut", "70"), ("wbc", "12.0"), ("neut", "16")], []),
        ([("wbc", "5.0"), ("neut", "60"), ("wbc", "5.2"), ("neut", "62")], ["3"]),
        ([("wbc", "5.0"), ("neut", "60"), ("wbc", "5.0"), ("neut", "60")], ["3"]),
        ([("wbc", "5.0"), ("neut", "0.609"), ("lymph", "0.302")], []),
        ([("wbc", "5.0"), ("neut", "3.1"), ("lymph", "1.5")], []),
        ([("wbc", "5.0"), ("neut", "0.5"), ("lymph", "0.25")], []),
        ([("wbc", "5.0"), ("neut", "0.609")], []),
        ([("wbc", "2"), ("neut", "0.9"), ("lymph", "86")], ["0.018"]),
        ([("wbc", "2"), ("neut", "0"), ("lymph", "0.95")], ["0"]),
        ([("wbc", "0.006037"), ("neut", "60")], []),
        ([("segs_abs", "0.4"), ("segs_abs", "2.0"), ("bands_abs", "0.1"), ("wbc", "5"), ("neut", "60")], []),
        ([("wbc", "2"), ("segs", "30"), ("bands", "5")], ["0.7"]),
        ([("wbc", "2"), ("neut", "40"), ("segs", "30")], ["0.8"]),
        ([("wbc", "1"), ("neut", "33.33335")], ["0.333334"]),
        ([("wbc", "2")], []),
        ([("neut", "40")], []),
        ([("wbc", "0"), ("neut", "40")], []),
        ([("wbc", "<2"), ("neut", "40")], []),
        ([("wbc", "2"), ("neut", "<40")], []),
        ([("wbc", "2"), ("neut", "40"), ("bands", "<1")], []),
        ([("wbc", "2"), ("neut", "0")], []),
        ([("wbc", "2"), ("neut", "0"), ("bands", "0"), ("lymph", "0")], []),
        ([("wbc", "2"), ("neut", "0"), ("lymph", "90")], ["0"]),
        ([("wbc", "2"), ("bands", "5")], []),
        ([("segs_abs", "0.5")], []),
        ([("segs_abs", "0.5"), ("wbc", "2"), ("neut", "40")], ["0.8"]),
        ([("segs_abs", "0.5"), ("bands_abs", "<0.2"), ("wbc", "2"), ("neut", "40")], ["0.8"]),
        ([("segs_abs", "500"), ("bands_abs", "0.2"), ("wbc", "2"), ("neut", "40")], ["0.8"]),
        ([("wbc", "2"), ("neut", "90"), ("bands", "10")], ["2"]),
        ([("wbc", "2"), ("neut", "90"), ("bands", "10.1")], []),
        ([("wbc", "200"), ("neut", "50")], ["100"]),
        ([("wbc", "200"), ("neut", "50.1")], []),
    ],
)
def test_anc_from_wbc_and_percentages(parts: list[tuple[str, str]], expected: list[str]) -> None:
    assert derived(*parts) == [(Decimal(e), "derived_wbc_pct") for e in expected]


def test_a_lone_fraction_is_told_by_what_its_code_ever_sends() -> None:
    world = World()
    world.lab("6690-2", "5", "10*9/L", AT).lab("770-8", "0.6", "%", AT)
    assert world.table("fct_anc") == []
    assert world.table("derivation_loss") == [
        {"site": "site", "derivation": "derived_wbc_pct", "with_bands": True, "reason": "not_percentages", "n": 1}
    ]
    world.lab("770-8", "60", "1", "2022-03-02")
    assert world.table("fct_anc") == []
    world.lab("770-8", "1.000001", "%", "2022-03-03")
    assert [r["anc_10e9_l"] for r in world.table("fct_anc")] == [Decimal("0.03")]


def test_segs_and_bands_stand_for_a_measured_anc_and_a_measured_one_wins() -> None:
    parts = [("segs_abs", "0.5"), ("bands_abs", "0.1"), ("wbc", "2"), ("neut", "40")]
    assert derived(*parts) == [(Decimal("0.6"), "segs_plus_bands")]
    assert derived(*parts, ("anc", "0.7")) == [(Decimal("0.7"), "measured")]
    assert derived(*parts, ("anc", "<0.7")) == [(Decimal("0.7"), "measured")]


def test_bands_are_not_added_where_the_percentage_includes_them() -> None:
    parts = [("wbc", "2"), ("neut", "40"), ("bands", "10")]
    assert derived(*parts, includes_bands=True) == [(Decimal("0.8"), "derived_wbc_pct")]
    segmented = [("wbc", "2"), ("segs", "40"), ("bands", "10")]
    assert derived(*segmented, includes_bands=True) == [(Decimal("1"), "derived_wbc_pct")]


def test_parts_meet_by_specimen_and_day_or_by_exact_time() -> None:
    def pair(first: tuple[str, str], second: tuple[str, str]) -> list[str]:
        world = World()
        world.lab("6690-2", "2", "10*9/L", first[1], specimen_id=first[0])
        world.lab("770-8", "40", "%", second[1], specimen_id=second[0])
        found = [r["collected_at"].isoformat() for r in world.table("fct_anc")]
        same_day = first[1][:10] == second[1][:10]
        lost = {"site": "site", "derivation": "derived_wbc_pct", "with_bands": True, "reason": "unpaired_parts", "n": 1}
        assert world.table("derivation_loss") == ([lost] if same_day and not found else [])
        return found

    day = "2022-03-01"
    assert pair(("S", f"{day}T09:00"), ("S", f"{day}T08:00")) == [f"{day}T08:00:00"]
    assert pair(("S", f"{day}T09:00"), ("S", "2022-03-02T09:00")) == []
    assert pair(("S", f"{day}T09:00"), ("", f"{day}T09:00")) == []
    assert pair(("", f"{day}T09:00"), ("", f"{day}T09:00:00")) == [f"{day}T09:00:00"]
    assert pair(("", f"{day}T09:00"), ("", f"{day}T09:01")) == []


def test_units_come_to_one() -> None:
    world = World()
    for value, unit in (("1100", "/µL"), ("1.1", "G/L"), ("1.1", "K/uL"), ("0.11", "10^4/uL")):
        world.lab("751-8", value, unit, AT, reference_low=value)
    rows = world.table("fct_anc")
    assert {r["anc_10e9_l"] for r in rows} == {r["lln_10e9_l"] for r in rows} == {Decimal("1.1")}


SCALES = ("udine_2025", "udine_2025_inclusive", "ctcae_v5", "ctcae_v6", "daids_2_1")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0", "severe severe 4 4 4"),
        ("0.099999", "severe severe 4 4 4"),
        ("0.1", "severe severe 4 3 4"),
        ("0.4", "severe severe 4 3 3"),
        ("0.499999", "severe severe 4 3 3"),
        ("0.5", "moderate moderate 3 2 3"),
        ("0.6", "moderate moderate 3 2 2"),
        ("0.8", "moderate moderate 3 2 1"),
        ("0.999999", "moderate moderate 3 2 1"),
        ("1.0", "mild moderate 2 1 1"),
        ("1.000001", "mild mild 2 1 0"),
        ("1.499999", "mild mild 2 1 0"),
        ("1.5", "none none None 0 0"),
        ("7", "none none None 0 0"),
    ],
)
def test_each_bound_on_each_scale(value: str, expected: str) -> None:
    grades = [str(grade(scale, Decimal(value), None, None)) for scale in SCALES]
    assert grades == expected.split()


@pytest.mark.parametrize(
    ("value", "lln", "expected"),
    [
        ("1.5", "2", "1"),
        ("1.5", "1.5", "0"),
        ("1.999999", "2", "1"),
        ("2", "2", "0"),
        ("1.4", "1.2", "2"),
        ("1.5", "1.2", "0"),
    ],
)
def test_ctcae_v5_takes_the_lower_limit_of_normal_of_the_record(value: str, lln: str, expected: str) -> None:
    assert grade("ctcae_v5", Decimal(value), None, Decimal(lln)) == expected


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ("< 0.5", "severe severe 4 None None"),
        ("<= 0.5", "None None None None None"),
        ("< 0.4", "severe severe 4 None 4"),
        ("<= 0", "severe severe 4 4 4"),
        ("< 1.0", "None None None None None"),
        (">= 1.5", "none none None 0 0"),
        ("> 1.5", "none none None 0 0"),
        ("> 1.0", "None None None None 0"),
        (">= 1.0", "None None None None None"),
        ("< 7", "None None None None None"),
    ],
)
def test_a_bound_is_graded_only_where_it_leaves_no_doubt(result: str, expected: str) -> None:
    operator, value = result.split()
    grades = [str(grade(scale, Decimal(value), operator, None)) for scale in SCALES]
    assert grades == expected.split()


def test_a_bound_above_the_lower_limit_of_normal_is_grade_0_in_ctcae_v5() -> None:
    assert grade("ctcae_v5", Decimal(2), ">=", Decimal(2)) == "0"
    assert grade("ctcae_v5", Decimal("1.9"), ">", Decimal(2)) is None
