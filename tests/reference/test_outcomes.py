"""Hand-worked examples of attribution, outcomes and recurrence. Day 0 is 1 January 2022."""

from __future__ import annotations

from typing import Any

import pytest

from .world import World, on


def attributed(world: World) -> tuple[Any, ...]:
    e = world.episodes()[-1]
    return e["attributed_drug"], e["days_since_last_dose"], e["dose_number"], e["onset_type"]


@pytest.mark.parametrize(
    ("onset", "expected"),
    [
        (1, ("rituximab", 1, 1, "early")),
        (27, ("rituximab", 27, 1, "early")),
        (28, ("rituximab", 28, 1, "late")),
        (365, ("rituximab", 365, 1, "late")),
        (366, (None, None, None, None)),
        (0, (None, None, None, None)),
    ],
)
def test_an_episode_is_laid_to_the_last_dose_before_its_day(onset: int, expected: tuple[Any, ...]) -> None:
    assert attributed(World().dose("rituximab", 0).anc((onset, "0.5"))) == expected


def test_of_two_drugs_on_a_day_the_alphabetically_last_is_the_last() -> None:
    world = World().dose("rituximab", 0).dose("ocrelizumab", 0).anc((30, "0.5"))
    assert world.episode()["attributed_drug"] == "rituximab"
    assert world.episode()["previous_drug"] == "ocrelizumab"


def test_dose_number_counts_the_doses_of_the_drug_before_the_onset() -> None:
    world = World().dose("rituximab", 0, 182, 200).dose("ocrelizumab", 190).anc((200, "0.5"))
    assert attributed(world) == ("ocrelizumab", 10, 1, "early")
    assert attributed(world.anc((205, "0.5"))) == ("ocrelizumab", 10, 1, "early")
    assert attributed(World().dose("rituximab", 0, 182, 200).anc((200, "0.5")))[2] == 2


def test_four_weekly_drugs_count_onset_type_from_the_start_of_the_class_course() -> None:
    assert attributed(World().dose("ofatumumab", 0, 7, 14).anc((27, "0.5")))[3] == "early"
    assert attributed(World().dose("ofatumumab", 0, 7, 14).anc((28, "0.5")))[3] == "late"
    switch = World().dose("ocrelizumab", 0).dose("ofatumumab", 365)
    assert attributed(switch.anc((366, "0.5")))[3] == "late"
    pause = World().dose("ocrelizumab", 0).dose("ofatumumab", 366)
    assert attributed(pause.anc((367, "0.5")))[3] == "early"


def test_previous_drug_is_the_last_other_one() -> None:
    world = World().dose("ocrelizumab", 0).dose("ofatumumab", 182, 210).anc((220, "0.5"))
    assert world.episode()["previous_drug"] == "ocrelizumab"
    assert World().dose("rituximab", 0, 9).anc((20, "0.5")).episode()["previous_drug"] is None


def test_an_unattributed_episode_claims_nothing() -> None:
    episode = World().dose("rituximab", 0).anc((400, "0.5")).episode()
    columns = (
        "attributed_drug last_dose_date days_since_last_dose dose_number dose_source onset_type"
        " treatment_action next_drug recurrence_number recurrence_context"
    )
    assert {episode[column] for column in columns.split()} == {None}
    assert episode["is_case_episode"] is False


@pytest.mark.parametrize(
    ("world", "reason"),
    [
        (World(), "never_treated"),
        (World().dose("filgrastim", 0).line("ozanimod", 0), "never_treated"),
        (World().dose("rituximab", 0).patient(sex=""), "missing_demographics"),
        (World().dose("rituximab", 0).patient(birth_date="1980"), None),
        (World().dose("rituximab", 0).settings(enrolment_start=on(1)), "outside_enrolment"),
        (World().dose("rituximab", 0).settings(enrolment_end=on(-1)), "outside_enrolment"),
        (World().dose("rituximab", 0).settings(enrolment_end=on(0)), None),
        (World().dose("rituximab", 0).anc((0, "0.9")), "baseline_neutropenia"),
        (World().dose("rituximab", 0).anc((-365, "0.9")), "baseline_neutropenia"),
        (World().dose("rituximab", 0).anc((-366, "0.9")), None),
        (World().dose("rituximab", 0).anc((0, "1.0")), None),
        (World().dose("rituximab", 0).anc((0, "<1.5")), None),
    ],
)
def test_the_cohort_and_its_exclusions(world: World, reason: str | None) -> None:
    (patient,) = world.table("dim_patient")
    assert patient["exclusion_reason"] == reason
    assert patient["in_cohort"] is (reason is None)


def test_attrition_counts_each_patient_once_by_the_first_reason() -> None:
    world = World().patient("Q", sex="").dose("rituximab", 0)
    assert [(a["n_in"], a["n_excluded"], a["n_out"]) for a in world.table("attrition")] == [
        (2, 1, 1),
        (1, 0, 1),
        (1, 0, 1),
        (1, 0, 1),
    ]


CASE = [(30, "0.5"), (40, "2")]


@pytest.mark.parametrize(
    ("verdicts", "stands"),
    [
        ([], True),
        ([(30, 30, "lab_error")], False),
        ([(31, 60, "lab_error")], True),
        ([(0, 60, "other_cause", "2024-01-02"), (0, 60, "confirmed", "2024-01-01")], False),
        ([(0, 60, "other_cause", ""), (0, 60, "confirmed", "2024-01-01")], True),
        ([(0, 60, "confirmed", ""), (0, 60, "lab_error", "")], False),
        ([(0, 60, "lab_error", ""), (0, 60, "confirmed", "")], True),
    ],
)
def test_the_verdict_reviewed_last_decides_then_the_highest_key(verdicts: list[tuple[Any, ...]], stands: bool) -> None:
    world = World().dose("rituximab", 0).anc(*CASE)
    for spoken in verdicts:
        world.adjudicate(*spoken)
    assert world.episode()["is_case_episode"] is stands
    assert (world.episode()["recurrence_number"] == 0) is stands


@pytest.mark.parametrize(("day", "counted"), [(29, False), (30, True), (40, True), (41, False)])
def test_gcsf_counts_from_onset_to_recovery(day: int, counted: bool) -> None:
    episode = World().dose("rituximab", 0).anc(*CASE).dose("pegfilgrastim", day).episode()
    assert (episode["gcsf_treated"], episode["gcsf_doses"]) == (counted, int(counted))
    assert episode["gcsf_first_date"] == (on(day) if counted else None)


def test_gcsf_counts_for_30_days_where_there_is_no_recovery() -> None:
    assert World().anc((0, "0.5")).dose("filgrastim", 1, 30, 31).episode()["gcsf_doses"] == 2


@pytest.mark.parametrize(("day", "seen"), [(22, False), (23, True), (54, True), (55, False)])
def test_events_count_from_7_days_before_onset_to_14_after_the_end(day: int, seen: bool) -> None:
    episode = World().anc(*CASE).event("febrile_neutropenia", day).episode()
    assert (episode["febrile"], episode["infection"]) == (seen, False)


def action(world: World) -> tuple[Any, Any]:
    episode = world.episodes()[0]
    return episode["treatment_action"], episode["next_drug"]


def treated() -> World:
    return World().dose("ocrelizumab", 0).line("ocrelizumab", 0).anc(*CASE)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        (treated().dose("ocrelizumab", 30), ("continued", None)),
        (treated().dose("ocrelizumab", 273), ("continued", None)),
        (treated().dose("ocrelizumab", 274), ("resumed", None)),
        (treated().dose("rituximab", 90), ("switched_in_class", "rituximab")),
        (treated().line("ofatumumab", 90), ("switched_in_class", "ofatumumab")),
        (treated().line("ozanimod", 90), ("switched_out_of_class", "ozanimod")),
        (
            treated().line("ozanimod", 90).line("ofatumumab", 91),
            ("switched_out_of_class", "ozanimod"),
        ),
        (
            treated().line("ozanimod", 90).line("ofatumumab", 90),
            ("switched_in_class", "ofatumumab"),
        ),
        (treated().dose("rituximab", 90).dose("ocrelizumab", 90), ("continued", None)),
        (
            treated().dose("rituximab", 90).line("ofatumumab", 90),
            ("switched_in_class", "ofatumumab"),
        ),
        (treated().line("ocrelizumab", 90), ("pending", None)),
        (treated().line("filgrastim", 35), ("pending", None)),
        (treated().event("other", 273), ("pending", None)),
        (treated().event("other", 274), ("discontinued", None)),
        (treated().dose("rituximab", 29), ("pending", None)),
    ],
)
def test_what_followed_is_the_treatment_action(world: World, expected: tuple[Any, Any]) -> None:
    assert action(world) == expected


@pytest.mark.parametrize(("end", "expected"), [(29, "pending"), (30, "discontinued")])
def test_a_line_that_ends_on_or_after_onset_is_discontinued(end: int, expected: str) -> None:
    world = World().dose("ocrelizumab", 0).line("ocrelizumab", 0, end).anc(*CASE)
    assert action(world)[0] == expected


@pytest.mark.parametrize(
    ("end", "contact", "expected"),
    [
        (None, 73, "continued"),
        (None, 72, "discontinued"),  # 72 days after the dose of day 28, and 42 are allowed
        (73, 80, "continued"),
        (72, 80, "discontinued"),
    ],
)
def test_home_injections_go_on_where_line_and_patient_are_seen_to(end: int | None, contact: int, expected: str) -> None:
    """Onset on day 30; 1.5 intervals are 42 days. The dose of day 28 is recorded."""
    world = World().line("ofatumumab", 0, end).dose("ofatumumab", 0, 28).anc(*CASE)
    assert action(world.event("other", contact))[0] == expected


SECOND = [(200, "0.5"), (210, "2")]


@pytest.mark.parametrize(
    ("world", "context"),
    [
        (treated(), "no_further_treatment"),
        (treated().dose("ocrelizumab", 182), "rechallenge"),
        (treated().dose("ocrelizumab", 30), "rechallenge"),
        (treated().dose("ocrelizumab", 200), "no_further_treatment"),
        (treated().dose("ocrelizumab", 100).dose("rituximab", 101), "after_switch_in_class"),
        (treated().line("ofatumumab", 100, 101), "after_switch_in_class"),
        (treated().line("ozanimod", 100), "after_switch_out_of_class"),
        (treated().line("ozanimod", 100).dose("ocrelizumab", 120), "rechallenge"),
    ],
)
def test_a_recurrence_after_recovery_is_numbered_and_has_a_context(world: World, context: str) -> None:
    first, second = world.anc(*SECOND).episodes()
    assert (first["recurrence_number"], second["recurrence_number"]) == (0, 1)
    assert (first["recurrence_context"], second["recurrence_context"]) == (None, context)
    assert second["continuation_possible"] is False


def test_without_a_documented_recovery_the_number_stays() -> None:
    lost = World().dose("ocrelizumab", 0).anc((30, "0.5"), (150, "0.5"))
    assert [(e["recurrence_number"], e["continuation_possible"]) for e in lost.episodes()] == [
        (0, False),
        (0, True),
    ]
    recovered = lost.anc((125, "1.6"))
    assert [e["recurrence_number"] for e in recovered.episodes()] == [0, 1]


def test_an_episode_judged_away_is_listed_without_a_number() -> None:
    world = World().dose("ocrelizumab", 0).anc((20, "0.5"), (25, "2"), *CASE, (60, "0.5"))
    found = world.adjudicate(30, 30, "other_cause").episodes()
    assert [e["recurrence_number"] for e in found] == [0, None, 1]
    assert [e["is_case_episode"] for e in found] == [True, False, True]
    (case,) = world.table("case_listing")
    assert (case["n_episodes"], case["recurred"]) == (2, True)


def followed(world: World) -> list[tuple[Any, ...]]:
    columns = ("next_treatment", "next_drug", "days_from_onset", "days_from_recovery", "recurred")
    return [tuple(row[column] for column in columns) for row in world.table("rechallenge")]


@pytest.mark.parametrize(
    ("world", "first"),
    [
        (treated(), ("none", None, None, None, False)),
        (treated().dose("ocrelizumab", 182), ("same_drug", "ocrelizumab", 152, 142, False)),
        (treated().dose("ocrelizumab", 35), ("same_drug", "ocrelizumab", 5, -5, False)),
        (treated().dose("ocrelizumab", 182).anc((200, "0.5")), ("same_drug", "ocrelizumab", 152, 142, True)),
        (treated().dose("ocrelizumab", 200).anc((200, "0.5")), ("none", None, None, None, True)),
        (treated().dose("ocrelizumab", 199).anc((200, "0.5")), ("same_drug", "ocrelizumab", 169, 159, True)),
        (treated().line("ofatumumab", 100, 101), ("another_in_class", "ofatumumab", 70, 60, False)),
        (treated().line("ozanimod", 100).dose("rituximab", 99), ("another_in_class", "rituximab", 69, 59, False)),
        (treated().line("ozanimod", 100).anc((200, "0.5")), ("out_of_class", "ozanimod", 70, 60, True)),
    ],
)
def test_what_was_given_before_a_recurrence_is_what_followed(world: World, first: tuple[Any, ...]) -> None:
    assert followed(world)[0] == first


def test_home_injections_that_go_on_are_given_on_the_first_day_assumed() -> None:
    world = World().line("ofatumumab", 0).dose("ofatumumab", 0, 28).anc(*CASE).event("other", 90)
    assert followed(world) == [("same_drug", "ofatumumab", 26, 16, False)]


SECOND = [(200, "0.5")]


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        (treated().anc(*SECOND), {"none": (1, 1)}),
        (treated().dose("ocrelizumab", 199).anc(*SECOND), {"same_drug": (1, 1)}),
        (treated().dose("ocrelizumab", 200).anc(*SECOND), {"none": (1, 1)}),
        # given again, then switched, then it came back: under the drug switched to
        (
            treated().dose("ocrelizumab", 60).dose("rituximab", 180).anc(*SECOND),
            {"same_drug": (1, 0), "another_in_class": (1, 1)},
        ),
        (
            treated().dose("ocrelizumab", 60).line("ozanimod", 180).anc(*SECOND),
            {"same_drug": (1, 0), "out_of_class": (1, 1)},
        ),
        # given again and switched, and it did not come back
        (treated().dose("ocrelizumab", 60).line("ozanimod", 180), {"same_drug": (1, 0), "out_of_class": (1, 0)}),
        # low again without a recovery: both may be one, so what was given after the later one counts
        (
            World().dose("ocrelizumab", 0, 60).anc((30, "0.5"), (150, "0.5"), (160, "2")).dose("rituximab", 180),
            {"another_in_class": (1, 0)},
        ),
    ],
)
def test_a_recurrence_counts_under_the_last_treatment_and_a_case_under_each(
    world: World, expected: dict[str, tuple[int, int]]
) -> None:
    rows = {row["treatment_after"]: row for row in world.table("recurrence")}
    found = {name: (row["n_patients"], row["n_recurrent"]) for name, row in rows.items() if row["n_patients"]}
    assert found.pop("same_drug_recorded", None) == found.get("same_drug"), "all of these doses are recorded"
    assert found == {"all": (1, sum(recurrent for _, recurrent in expected.values()))} | expected


def test_follow_up_counts_from_the_first_day_of_the_treatment() -> None:
    world = treated().dose("ocrelizumab", 60, 120).dose("rituximab", 180).event("other", 230)
    rows = world.table("recurrence")
    assert [row["median_follow_up_days"] for row in rows] == [200, 170, 170, 50, None, None]


@pytest.mark.parametrize(("day", "on_the_day"), [(29, False), (30, True), (31, False)])
def test_a_dose_on_the_day_of_onset_comes_after_it_and_is_marked(day: int, on_the_day: bool) -> None:
    (row,) = treated().dose("ocrelizumab", day).table("rechallenge")
    assert row["given_on_onset_day"] is on_the_day
    assert row["last_treatment"] == ("none" if day < 30 else "same_drug")


@pytest.mark.parametrize(("onset", "period"), [(365, "first_year"), (366, "later")])
def test_the_first_year_ends_365_days_after_the_index_date(onset: int, period: str) -> None:
    world = World().dose("rituximab", 0, 182, 364).anc((onset, "0.5"))
    found = {row["period"]: row for row in world.table("incidence_by_period") if row["stratum_type"] == "overall"}
    assert found["first_year"]["days_at_risk"] == 365
    assert found["later"]["days_at_risk"] == onset - 365
    assert {name: row["n_cases"] for name, row in found.items() if row["n_cases"]} == {period: 1}
