"""Random patients: every published field of an episode has a step that explains it, and every step its record."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from integration.compiled_project import compiled_project
from reference.bounds import on_the_bounds
from reference.cohort import Cohort, generate
from reference.writer import write

from registry.trace_rules import RESTS_ON_NOTHING, RULES

Row = dict[str, Any]
Traces = list[tuple[Row, list[Row]]]

IDENTITY = {"episode_id", "definition_id", "patient_key", "site", "episode_number", "gcsf_days"}
ACTIONS = {
    "continued": {"continued_with_dose", "continued_by_line"},
    "resumed": {"resumed_with_dose"},
    "switched_in_class": {"switched_in_class"},
    "switched_out_of_class": {"switched_out_of_class"},
    "discontinued": {"discontinued_by_line", "discontinued_without_dose"},
    "pending": {"pending"},
}
AGAINST_A_CASE = {
    "dose_too_long_before",
    "no_dose_before",
    "never_treated",
    "missing_demographics",
    "outside_enrolment",
    "baseline_neutropenia",
    "review_other_cause",
    "review_lab_error",
}
CONTEXTS = {"rechallenge", "after_switch_in_class", "after_switch_out_of_class", "no_further_treatment"}


# Each step with the number of its lineage's records.
STEPS = """
    SELECT step.*, (
        SELECT count(*) FROM meta.lineage AS origin
        WHERE origin.patient_key = episode.patient_key AND origin.record_of = step.record_of
            AND origin.anc_key IS NOT DISTINCT FROM step.anc_key
            AND origin.record_key IS NOT DISTINCT FROM step.record_key
            AND (step.record_of <> 'dose' OR (origin.drug = step.drug AND origin.administered_on = step.on_date))
    ) AS n_records
    FROM meta.episode_trace AS step JOIN main.fct_neutropenia_episode AS episode USING (episode_id)
    ORDER BY episode_id, step
"""
EPISODES = """
    SELECT episode.*, definitions.gcsf_days FROM main.fct_neutropenia_episode AS episode
    JOIN main.dim_case_definition AS definitions USING (definition_id)
"""
NEEDED = ("fct_neutropenia_episode", "dim_case_definition", "episode_trace", "lineage")


def traced(cohort: Cohort, home: Path) -> Traces:
    """Every episode of a cohort with its steps, in order."""
    write(cohort, home / "deliveries")
    settings = compiled_project().build(home, up_to=NEEDED)
    with duckdb.connect(str(settings.warehouse)) as connection:
        steps: dict[str, list[Row]] = defaultdict(list)
        for step in rows(connection.execute(STEPS)):
            steps[step["episode_id"]].append(step)
        return [(episode, steps[episode["episode_id"]]) for episode in rows(connection.execute(EPISODES))]


def rows(found: duckdb.DuckDBPyConnection) -> list[Row]:
    """What was found, by column."""
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> Traces:
    cohorts = [on_the_bounds(), generate(0, patients=60), generate(1, messy=True, patients=60)]
    return [trace for cohort in cohorts for trace in traced(cohort, tmp_path_factory.mktemp("traces"))]


def days(steps: list[Row], *rules: str) -> list[date]:
    return [step["on_date"] for step in steps if step["rule"] in rules]


def drugs(steps: list[Row], *rules: str) -> set[str]:
    return {step["drug"] for step in steps if step["rule"] in rules}


def test_every_field_that_is_not_empty_has_a_step_that_decides_it(traces: Traces) -> None:
    for episode, steps in traces:
        decided = {field for step in steps for field in RULES[step["rule"]].decides}
        told = {name for name, value in episode.items() if value is not None and value is not False and value != 0}
        wanted = told - IDENTITY
        assert wanted <= decided, (wanted - decided, [step["rule"] for step in steps])


def test_every_step_has_a_record_but_for_those_that_rest_on_nothing(traces: Traces) -> None:
    for _, steps in traces:
        for step in steps:
            assert (step["n_records"] == 0) == (step["rule"] in RESTS_ON_NOTHING), step
            assert (step["record_of"] is None) == (step["rule"] in RESTS_ON_NOTHING), step


def test_the_dose_and_the_course_are_those_that_the_episode_names(traces: Traces) -> None:
    for episode, steps in traces:
        attributed = [episode["last_dose_date"]] if episode["attributed_drug"] else []
        assert days(steps, "attributed_dose") == attributed
        assert drugs(steps, "previous_drug") == {episode["previous_drug"]} - {None}
        assert len(days(steps, "first_dose_of_course")) == (episode["attributed_drug"] == "ofatumumab")
        suspects = ", ".join(sorted(drugs(steps, "other_suspect_drug"))) or None
        assert suspects == episode["other_suspect_drugs"]


def test_a_provisional_recovery_has_the_gcsf_that_makes_it_so(traces: Traces) -> None:
    for episode, steps in traces:
        given = days(steps, "gcsf", "gcsf_before_recovery")
        assert len(days(steps, "gcsf")) == episode["gcsf_doses"]
        assert len(days(steps, "gcsf_rebound")) == episode["n_gcsf_rebounds"]
        for recovery in days(steps, "provisional_recovery"):
            assert any(timedelta(0) <= recovery - dose <= timedelta(episode["gcsf_days"]) for dose in given)


def test_what_happened_around_it_has_its_events(traces: Traces) -> None:
    for episode, steps in traces:
        for consequence in ("infection", "febrile", "hospitalised", "relapse_within_90d"):
            assert bool(days(steps, consequence)) == episode[consequence]


def test_the_treatment_action_has_the_dose_line_or_contact_behind_it(traces: Traces) -> None:
    for episode, steps in traces:
        known = {rule for rules in ACTIONS.values() for rule in rules}
        fired = {step["rule"] for step in steps} & known
        assert len(fired) == (episode["treatment_action"] is not None)
        assert fired <= ACTIONS.get(episode["treatment_action"], set())
        assert min(days(steps, *(known - {"continued_by_line"})), default=date.max) >= episode["onset_date"]
        next_drug = drugs(steps, "switched_in_class", "switched_out_of_class")
        assert next_drug == {episode["next_drug"]} - {None}


def test_a_recurrence_has_the_earlier_episode_the_recovery_and_the_treatment_between(traces: Traces) -> None:
    onsets = {episode["episode_id"]: episode for episode, _ in traces}
    for episode, steps in traces:
        rules = {step["rule"] for step in steps}
        assert rules & CONTEXTS == {episode["recurrence_context"]} - {None}
        assert ("not_recovered_between" in rules) == episode["continuation_possible"]
        known = episode["recurrence_number"] is not None
        assert len(rules & {"first_episode", "earlier_episode"}) == known
        assert ("recovered_between" in rules) == (known and not rules & {"first_episode", "not_recovered_between"})
        if "first_episode" in rules:
            assert episode["recurrence_number"] == 0
        for step in steps:
            if step["rule"] == "earlier_episode":
                earlier = onsets[step["earlier_episode_id"]]
                assert step["on_date"] == earlier["onset_date"] < episode["onset_date"]
                grown = episode["recurrence_number"] - earlier["recurrence_number"]
                assert grown == ("recovered_between" in rules)


def test_what_makes_it_a_case_or_keeps_it_from_being_one_is_told(traces: Traces) -> None:
    for episode, steps in traces:
        rules = {step["rule"] for step in steps}
        against = rules & AGAINST_A_CASE
        assert bool(against) != episode["is_case_episode"], (episode, rules)
        assert steps[-1]["rule"] == ("case_episode" if episode["is_case_episode"] else "no_case_episode")
        verdicts = {rule.removeprefix("review_") for rule in rules if rule.startswith("review_")}
        assert verdicts == {episode["adjudication"]} - {None}


def test_these_patients_fire_every_rule(traces: Traces) -> None:
    assert {step["rule"] for _, steps in traces for step in steps} == set(RULES)
