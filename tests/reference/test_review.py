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


def pairs(world: World) -> list[tuple[Any, ...]]:
    return [tuple(row.values())[-5:] for row in world.table("verdict_pair")]


def judged(*verdicts: tuple[str, str, str]) -> World:
    """A case with verdicts as (verdict, day of January 2024 or blank, role)."""
    world = case()
    for verdict, day, role in verdicts:
        world.adjudicate(100, 100, verdict, f"2024-01-{day}" if day else "", role)
    return world


def test_the_first_verdicts_of_two_readers_are_compared_and_the_last_ones_of_known_roles() -> None:
    world = judged(
        ("lab_error", "01", "haematologist"), ("confirmed", "02", "neurologist"), ("confirmed", "03", "haematologist")
    )
    assert pairs(world) == [
        ("order", "first verdict", "second verdict", "lab_error", "confirmed"),
        ("role", "haematologist", "neurologist", "confirmed", "confirmed"),
    ]


def test_a_readers_own_second_thought_is_no_second_reading() -> None:
    world = judged(("lab_error", "01", "neurologo"), ("confirmed", "02", "Neurologist"))
    assert pairs(world) == []
    (row,) = world.table("chart_review")
    assert (row["review_status"], row["n_reviews"], row["n_readers"]) == ("disagreement", 2, 1)


def test_two_readers_of_one_role_are_told_apart_by_a_number() -> None:
    world = judged(("lab_error", "01", "neurologo 1"), ("confirmed", "02", "Neurologist 2"))
    assert pairs(world) == [
        ("order", "first verdict", "second verdict", "lab_error", "confirmed"),
        ("role", "neurologist 1", "neurologist 2", "lab_error", "confirmed"),
    ]
    (row,) = world.table("chart_review")
    assert (row["n_readers"], row["reviewer_roles"]) == (2, "neurologist 1, neurologist 2")


@pytest.mark.parametrize(
    ("other", "n_readers"),
    [
        (("confirmed", "01", ""), 1),
        (("confirmed", "02", ""), 2),
        (("confirmed", "", ""), 2),
        (("lab_error", "01", ""), 2),
        (("confirmed", "01", "Dr Verdi"), 2),
    ],
)
def test_without_a_role_whoever_says_the_same_on_the_same_day_is_one_reader(
    other: tuple[str, str, str], n_readers: int
) -> None:
    world = judged(("confirmed", "01", ""), other)
    (row,) = world.table("chart_review")
    assert row["n_readers"] == n_readers
    assert len(pairs(world)) == n_readers - 1


@pytest.mark.parametrize(
    ("first", "last", "is_orphaned"), [(0, 99, True), (0, 100, False), (100, 120, False), (101, 120, True)]
)
def test_a_verdict_without_an_onset_in_its_span_is_orphaned(first: int, last: int, is_orphaned: bool) -> None:
    found = case().adjudicate(first, last, "confirmed").compute()["orphaned_verdict"]
    assert len(found) == is_orphaned


def test_a_verdict_is_not_orphaned_that_another_definition_has_an_episode_for_or_that_reaches_beyond_the_cut_off() -> (
    None
):
    mild = World().dose("rituximab", 0).anc((100, "1.2"))
    assert mild.adjudicate(100, 100, "confirmed").compute()["orphaned_verdict"] == []
    later = case().settings(data_cutoff=on(200))
    assert later.adjudicate(150, 201, "confirmed").compute()["orphaned_verdict"] == []
    assert len(later.adjudicate(150, 200, "confirmed").compute()["orphaned_verdict"]) == 1
