"""Hand-worked examples of cut-offs, doses and the rules of an episode. Day 0 is 1 January 2022."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from .world import World, on


def test_the_first_low_value_starts_and_the_first_recovered_one_ends() -> None:
    episode = (
        World()
        .anc((0, "2"), (10, "0.8"), (20, "0.3"), (30, "0.3"), (40, "1.4"), (50, "1.5"))
        .anc((60, "1.2"))
        .episode()
    )
    assert (episode["onset_date"], episode["end_date"]) == (on(10), on(50))
    assert (episode["end_status"], episode["duration_days"]) == ("recovered", 40)
    assert (episode["nadir_anc_10e9_l"], episode["nadir_date"]) == (Decimal("0.3"), on(20))
    assert (episode["severity"], episode["ctcae_v5_grade"]) == ("severe", "4")
    assert episode["n_measurements"] == 5
    assert episode["last_normal_date"] == on(0)


def test_the_four_definitions_see_the_bounds_differently() -> None:
    values = ("1.5", "1.499999", "1.0", "0.999999", "0.5", "0.499999")
    low = {
        value: [
            name
            for name in ("udine_2025", "udine_2025_inclusive", "any_grade", "severe_only")
            if World().anc((0, value)).episodes(name)
        ]
        for value in values
    }
    three = ["udine_2025", "udine_2025_inclusive", "any_grade"]
    assert low == {
        "1.5": [],
        "1.499999": ["any_grade"],
        "1.0": ["udine_2025_inclusive", "any_grade"],
        "0.999999": three,
        "0.5": three,
        "0.499999": [*three, "severe_only"],
    }


def test_severe_only_recovers_at_1() -> None:
    assert World().anc((0, "0.4"), (9, "0.999999"), (18, "1.0")).episode("severe_only")["end_date"] == on(18)


@pytest.mark.parametrize(("gap", "episodes"), [(90, 1), (91, 2)])
def test_more_than_90_days_between_two_measurements_lose_the_episode(gap: int, episodes: int) -> None:
    found = World().anc((0, "0.5"), (gap, "0.6")).episodes()
    assert len(found) == episodes
    if episodes == 2:
        assert (found[0]["end_status"], found[0]["end_date"]) == ("lost", on(0))
        assert found[0]["duration_days"] is None
        assert found[1]["onset_date"] == on(91)


def test_a_value_after_the_gap_is_judged_afresh() -> None:
    assert [e["end_status"] for e in World().anc((0, "0.5"), (91, "1.2")).episodes()] == ["lost"]


@pytest.mark.parametrize(("days", "status", "ended"), [(90, "ongoing", False), (91, "lost", True)])
def test_an_open_episode_is_ongoing_or_lost_at_the_end_of_observation(days: int, status: str, ended: bool) -> None:
    world = World().anc((0, "0.5")).settings(data_cutoff=on(days))
    assert world.episode()["end_status"] == status
    assert (world.episode()["end_date"] is not None) == ended


def test_the_lowest_value_of_a_day_counts() -> None:
    world = World().anc((0, "0.5"), (10, "1.6"), (10, "1.4"), (20, "1.6"))
    assert world.episode()["end_date"] == on(20)


@pytest.mark.parametrize(
    ("value", "low"),
    [
        ("<1.0", True),
        ("<0.5", True),
        ("<1.5", False),
        ("<=1.0", False),
        ("<=0.9", True),
        (">=0.2", False),
        (">0.2", False),
    ],
)
def test_a_bound_is_low_only_where_it_decides(value: str, low: bool) -> None:
    assert bool(World().anc((0, value)).episodes()) is low


def test_a_bound_that_does_not_decide_is_no_measurement() -> None:
    world = World().anc((0, "0.5"), (50, "<2"), (60, ">1.4"), (91, "0.5"))
    assert [e["onset_date"] for e in world.episodes()] == [on(0), on(91)]
    same_day = World().anc((0, "0.5"), (5, "<2"), (5, "1.6"))
    assert same_day.episode()["end_date"] == on(5)
    assert World().anc((0, "0.5"), (5, ">=1.5")).episode()["end_date"] == on(5)


def test_a_censored_nadir_keeps_its_operator_and_lies_just_below_its_bound() -> None:
    episode = World().anc((0, "0.5"), (1, "<0.5"), (2, "0.5"), (3, "<0.5")).episode()
    assert (episode["nadir_anc_10e9_l"], episode["nadir_operator"]) == (Decimal("0.5"), "<")
    assert (episode["nadir_date"], episode["severity"]) == (on(1), "severe")
    lower = World().anc((0, "<0.5"), (1, "0.499999")).episode()
    assert lower["nadir_operator"] is None
    assert World().anc((0, "<1.0")).episode()["severity"] is None


@pytest.mark.parametrize(
    ("gcsf", "low_again", "continues"),
    [(20, 34, True), (6, 34, True), (5, 34, False), (20, 35, False), (21, 34, False)],
)
def test_a_recovery_soon_after_gcsf_is_provisional(gcsf: int, low_again: int, continues: bool) -> None:
    """Recovery on day 20; the windows are 14 days before it and 14 days after it."""
    world = World().anc((0, "0.2"), (20, "7.7"), (25, "1.2"), (low_again, "0.4"), (50, "2"))
    episodes = world.dose("sargramostim", gcsf).episodes()
    assert len(episodes) == (1 if continues else 2)
    if continues:
        assert (episodes[0]["n_gcsf_rebounds"], episodes[0]["end_date"]) == (1, on(50))


def test_only_the_first_low_value_after_a_provisional_recovery_matters() -> None:
    world = World().anc((0, "0.2"), (20, "7.7"), (30, "1.2"), (40, "0.4"))
    assert len(world.dose("filgrastim", 20).episodes()) == 2


def test_observation_ends_at_the_earliest_of_cutoff_last_month_and_death() -> None:
    def end(world: World) -> date:
        (row,) = world.table("dim_patient")
        found = row["observation_end"]
        assert isinstance(found, date)
        return found

    assert end(World("2022-05")) == date(2022, 5, 31)
    assert end(World("2022-05").settings(data_cutoff=on(3))) == on(3)
    assert end(World("2022-05").patient(death_date="2022-01-03")) == date(2022, 1, 3)
    later = World().anc((0, "0.5"), (5, "2")).settings(data_cutoff=on(4))
    assert later.episode()["end_status"] == "ongoing"
    assert len(later.table("fct_anc")) == 1


def test_last_documented_contact_is_a_sign_of_life_and_no_assumption() -> None:
    def contact(world: World) -> object:
        return world.table("dim_patient")[0]["follow_up_end"]

    assert contact(World()) is None
    assert contact(World().line("ofatumumab", 0)) == on(0)
    assert contact(World().line("ofatumumab", 0).event("other", 40)) == on(40)
    assert contact(World().dose("filgrastim", 7)) == on(7)
    assert contact(World().line("ozanimod", 0, 90)) == on(0)
    assert contact(World().lab("718-7", "13", "g/dL", "2022-01-09")) == on(8)
    assert contact(World().patient(last_contact_date="2022-02-01")) == on(31)
    beyond = World().anc((3, "2")).patient(last_contact_date="2022-02-01")
    assert contact(beyond.settings(data_cutoff=on(10))) == on(3)


def doses(world: World) -> list[tuple[str, date, str]]:
    return [(d["drug"], d["administered_on"], d["dose_source"]) for d in world.table("fct_dose")]


def test_recorded_administrations_of_one_day_are_one_dose() -> None:
    assert doses(World().dose("rituximab", 5, 5)) == [("rituximab", on(5), "recorded")]


@pytest.mark.parametrize(
    ("recorded", "sources"),
    [
        (0, ["recorded"]),
        (30, ["recorded"]),
        (31, ["line_start", "recorded"]),
        (-1, ["recorded", "line_start"]),
    ],
)
def test_a_line_without_a_dose_within_30_days_has_one_at_its_start(recorded: int, sources: list[str]) -> None:
    world = World().line("ocrelizumab", 0).dose("ocrelizumab", recorded)
    assert [source for _, _, source in doses(world)] == sources


def assumed(world: World) -> list[date]:
    return [day for _, day, source in doses(world) if source == "assumed"]


def test_home_injections_are_assumed_after_the_last_known_dose() -> None:
    seen = World().event("other", 100)
    assert assumed(seen.line("ofatumumab", 0)) == [on(28), on(56), on(84)]
    dosed = World().event("other", 100).line("ofatumumab", 0).dose("ofatumumab", 0, 40)
    assert assumed(dosed) == [on(68), on(96)]
    assert assumed(World().event("other", 56).line("ofatumumab", 0, 55)) == [on(28)]
    assert assumed(World().event("other", 56).line("ofatumumab", 0, 56)) == [on(28), on(56)]
    switched = World().event("other", 100).line("ofatumumab", 0).line("rituximab", 56)
    assert assumed(switched) == [on(28)]
    out_of_class = World().event("other", 60).line("ofatumumab", 0).line("ozanimod", 30)
    assert assumed(out_of_class) == [on(28), on(56)]
    assert assumed(World().event("other", 400).line("ocrelizumab", 0)) == []
    renewed = World().event("other", 100)  # on the last day of the line before, and within a line that was never closed
    assert assumed(renewed.line("ofatumumab", 0, 60).line("ofatumumab", 60)) == [on(28), on(56), on(88)]
    unclosed = World().event("other", 100)
    assert assumed(unclosed.line("ofatumumab", 0).line("ofatumumab", 70)) == [on(28), on(56), on(84), on(98)]


def test_a_line_end_after_the_end_of_observation_reads_as_open() -> None:
    world = World().line("rituximab", 0, 50).settings(data_cutoff=on(49))
    assert world.table("fct_treatment")[0]["end_date"] is None
    assert World().line("rituximab", 0, 50).settings(data_cutoff=on(50)).table("fct_treatment")[0]["end_date"] == on(50)
