"""Hand-worked examples of suspect drugs, relapses and chart reviews. Day 0 is 1 January 2022."""

from __future__ import annotations

from typing import Any

import pytest

from .world import World, on

CASE = [(100, "0.5"), (110, "2")]


def case() -> World:
    return World().dose("rituximab", 0).anc(*CASE)


@pytest.mark.parametrize(("day", "suspect"), [(9, None), (10, "docetaxel"), (100, "docetaxel"), (101, None)])
def test_a_dose_counts_from_90_days_before_the_onset_to_its_day(day: int, suspect: str | None) -> None:
    assert case().dose("docetaxel", day).episode()["other_suspect_drugs"] == suspect


@pytest.mark.parametrize(
    ("start", "end", "suspect"),
    [
        (-500, None, "cladribine"),
        (-500, 9, None),
        (-500, 10, "cladribine"),
        (-500, 300, "cladribine"),
        (100, None, "cladribine"),
        (101, None, None),
        (50, 60, "cladribine"),
    ],
)
def test_a_line_counts_where_it_ran_within_those_days(start: int, end: int | None, suspect: str | None) -> None:
    assert case().line("cladribine", start, end).episode()["other_suspect_drugs"] == suspect


def test_suspects_are_sorted_and_neither_anti_cd20_nor_gcsf_nor_harmless() -> None:
    world = case().dose("metamizole", 90, 95).dose("ocrelizumab", 50).dose("filgrastim", 100).line("natalizumab", 0)
    assert world.episode()["other_suspect_drugs"] == "metamizole"
    assert world.line("alemtuzumab", 20, 20).episode()["other_suspect_drugs"] == "alemtuzumab, metamizole"


@pytest.mark.parametrize(("day", "relapsed"), [(99, False), (100, True), (190, True), (191, False)])
def test_a_relapse_counts_from_the_onset_to_90_days_after(day: int, relapsed: bool) -> None:
    assert case().event("relapse", day).episode()["relapse_within_90d"] is relapsed
    assert case().event("infection", day).episode()["relapse_within_90d"] is False


def review(world: World) -> tuple[Any, ...]:
    (row,) = world.table("chart_review")
    return row["review_status"], row["verdict"], row["n_reviews"], row["n_reviewer_roles"], row["verdicts_agree"]


def test_an_episode_without_a_verdict_is_unreviewed() -> None:
    assert review(case()) == ("unreviewed", None, 0, 0, None)
    assert review(case().adjudicate(101, 200, "confirmed")) == ("unreviewed", None, 0, 0, None)


def test_verdicts_that_differ_are_a_disagreement_also_where_the_last_one_settled_it() -> None:
    world = case().adjudicate(100, 100, "lab_error", "2024-01-02", "Neurologist")
    assert review(world) == ("lab_error", "lab_error", 1, 1, None)
    world.adjudicate(90, 100, "lab_error", "2024-01-03", "neurologo")
    assert review(world) == ("lab_error", "lab_error", 2, 1, True)
    world.adjudicate(0, 300, "confirmed", "2024-01-04", "Dr Verdi")
    assert review(world) == ("disagreement", "confirmed", 3, 2, False)
    (row,) = world.table("chart_review")
    assert row["reviewer_roles"] == "neurologist"
    assert str(row["reviewed_on"]) == "2024-01-04"


def test_only_what_could_be_a_case_is_for_review() -> None:
    assert World().dose("rituximab", 0).anc((400, "0.5")).table("chart_review") == []
    assert case().patient(sex="").table("chart_review") == []
    (row,) = case().adjudicate(100, 100, "other_cause").table("chart_review")
    assert (row["onset_date"], row["review_status"]) == (on(100), "other_cause")


def test_the_first_two_verdicts_are_compared_and_the_last_ones_of_known_roles() -> None:
    world = case()
    for day, (verdict, role) in enumerate(
        [("lab_error", "haematologist"), ("confirmed", "neurologist"), ("confirmed", "haematologist")], start=1
    ):
        world.adjudicate(100, 100, verdict, f"2024-01-0{day}", role)
    pairs = [tuple(row.values())[-5:] for row in world.table("verdict_pair")]
    assert pairs == [
        ("order", "first verdict", "second verdict", "lab_error", "confirmed"),
        ("role", "haematologist", "neurologist", "confirmed", "confirmed"),
    ]
