"""From an episode to the files and records behind it, on patients worked out by hand."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

import pytest
from click.testing import CliRunner
from integration.compiled_project import compiled_project

from registry import release
from registry.cli.main import main
from registry.config.settings import Settings
from registry.errors import UserError
from registry.paths import DBT_PROJECT
from registry.release.query import query
from registry.release.trace import trace
from registry.statistics import write_statistics
from registry.trace_rules import RULES, sentence

FILES = {
    "2024-06/patients.csv": "patient_id,birth_date,sex\nP1,1980-05-01,F\nP2,1975-02-01,M\n",
    "2024-06/administrations.csv": "administration_id,patient_id,drug,administered_on\n"
    "1,P1,ocrelizumab,2024-01-10\n2,P1,filgrastim,2024-05-03\n"
    "3,P2,ofatumumab,2022-01-10\n4,P2,metamizole,2022-05-20\n5,P2,filgrastim,2022-05-30\n6,P2,ocrelizumab,2022-09-01\n",
    # injected at home: doses are assumed every 28 days, the last before the first onset on 2022-05-30
    "2024-06/treatments.csv": "treatment_id,patient_id,drug,start_date,end_date,end_reason\n"
    "1,P2,ofatumumab,2022-01-10,2022-08-01,adverse_event\n2,P2,ocrelizumab,2022-09-01,,\n",
    "2024-06/clinical_events.csv": "event_id,patient_id,event_type,onset_date\n"
    "1,P2,febrile_neutropenia,2022-06-02\n2,P2,relapse,2022-07-01\n",
    "2024-06/adjudications.csv": "adjudication_id,patient_id,onset_from,onset_to,verdict,reviewed_on\n"
    "1,P2,2023-01-01,2023-01-31,confirmed,2023-02-01\n2,P2,2023-01-01,2023-01-31,lab_error,2023-03-01\n",
    "2024-06/lab_results.csv": "result_id,patient_id,test_code,value,unit,collected_at\n"
    "1,P1,751-8,3.1,10*9/L,2024-01-09\n"
    "2,P1,751-8,900,/uL,2024-05-01\n"
    "3,P1,751-8,1.2,10*9/L,2024-05-02\n"
    "4,P1,751-8,2.5,10*9/L,2024-05-05\n"
    "5,P1,751-8,1.8,10*9/L,2024-05-08\n"
    "6,P1,751-8,0.4,10*9/L,2024-05-12\n"
    "9,P2,751-8,3.0,10*9/L,2022-01-05\n"
    "10,P2,751-8,0.8,10*9/L,2022-06-01\n"
    "11,P2,751-8,1.6,10*9/L,2022-06-04\n"
    "12,P2,751-8,0.7,10*9/L,2022-06-10\n"
    "13,P2,751-8,2.0,10*9/L,2022-06-20\n"
    "14,P2,751-8,0.4,10*9/L,2023-01-10\n"
    "15,P2,751-8,1.8,10*9/L,2023-01-20\n"
    "16,P2,751-8,0.6,10*9/L,2023-06-10\n"
    # low or not: its operator leaves it open
    "17,P2,751-8,<1.2,10*9/L,2023-01-15\n",
    # derived from leukocytes and a percentage: two records
    "2024-07/lab_results.csv": "result_id,patient_id,test_code,value,unit,collected_at\n"
    "7,P1,26464-8,4.0,10*9/L,2024-07-02\n8,P1,770-8,50,%,2024-07-02\n",
}
LABS, DOSES, LINES, EVENTS, REVIEWS = (
    f"site/2024-06/{entity}.csv"
    for entity in ("lab_results", "administrations", "treatments", "clinical_events", "adjudications")
)
NOTHING = (None, None)
# By onset: date, rule, file and record.
STEPS = {
    "2024-05-01": [
        ("2024-01-09", "last_normal", LABS, 1),
        ("2024-01-10", "attributed_dose", DOSES, 1),
        ("2024-01-10", "index_dose", DOSES, 1),
        ("2024-05-01", "onset", LABS, 2),
        ("2024-05-01", "first_episode", *NOTHING),
        ("2024-05-02", "not_yet_recovered", LABS, 3),
        ("2024-05-03", "gcsf", DOSES, 2),
        ("2024-05-05", "provisional_recovery", LABS, 4),
        ("2024-05-08", "before_the_rebound", LABS, 5),
        ("2024-05-12", "gcsf_rebound", LABS, 6),
        ("2024-07-02", "recovered", "site/2024-07/lab_results.csv", 1),
        ("2024-07-02", "recovered", "site/2024-07/lab_results.csv", 2),
        ("2024-07-02", "pending", "site/2024-07/lab_results.csv", 1),
        (None, "case_episode", *NOTHING),
    ],
    "2022-06-01": [
        ("2022-01-05", "last_normal", LABS, 7),
        ("2022-01-10", "first_dose_of_course", DOSES, 3),
        ("2022-01-10", "index_dose", DOSES, 3),
        ("2022-05-20", "other_suspect_drug", DOSES, 4),
        ("2022-05-30", "attributed_dose", LINES, 1),
        ("2022-05-30", "gcsf_before_recovery", DOSES, 5),
        ("2022-06-01", "onset", LABS, 8),
        ("2022-06-01", "first_episode", *NOTHING),
        ("2022-06-02", "febrile", EVENTS, 1),
        ("2022-06-04", "provisional_recovery", LABS, 9),
        ("2022-06-10", "gcsf_rebound", LABS, 10),
        ("2022-06-20", "recovered", LABS, 11),
        ("2022-07-01", "relapse_within_90d", EVENTS, 2),
        ("2022-09-01", "switched_in_class", DOSES, 6),
        ("2022-09-01", "switched_in_class", LINES, 2),
        (None, "case_episode", *NOTHING),
    ],
    # judged an error of the laboratory by the later of two reviews
    "2023-01-10": [
        ("2022-01-10", "index_dose", DOSES, 3),
        ("2022-06-20", "last_normal", LABS, 11),
        ("2022-07-25", "previous_drug", LINES, 1),
        ("2022-09-01", "attributed_dose", DOSES, 6),
        ("2023-01-10", "onset", LABS, 12),
        ("2023-01-15", "left_out_for_operator", LABS, 15),
        ("2023-01-20", "recovered", LABS, 13),
        ("2023-02-01", "overruled_confirmed", REVIEWS, 1),
        ("2023-03-01", "review_lab_error", REVIEWS, 2),
        ("2023-06-10", "discontinued_without_dose", LABS, 14),
        (None, "no_case_episode", *NOTHING),
    ],
    # counts from the first episode: the second was taken away
    "2023-06-10": [
        ("2022-01-10", "index_dose", DOSES, 3),
        ("2022-06-01", "earlier_episode", LABS, 8),
        ("2022-06-20", "recovered_between", LABS, 11),
        ("2022-07-25", "previous_drug", LINES, 1),
        ("2022-09-01", "attributed_dose", DOSES, 6),
        ("2022-09-01", "after_switch_in_class", DOSES, 6),
        ("2023-01-20", "last_normal", LABS, 13),
        ("2023-06-10", "onset", LABS, 14),
        ("2023-06-10", "discontinued_without_dose", LABS, 14),
        ("2023-06-10", "lost_after_this", *NOTHING),
        (None, "case_episode", *NOTHING),
    ],
}


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    home = tmp_path_factory.mktemp("home")
    for name, text in FILES.items():
        path = home / "deliveries" / "site" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    settings = compiled_project().build(home)
    write_statistics(settings)
    assert release.publish(settings, "0" * 64).status == "published"
    return settings


@pytest.fixture(scope="module")
def episodes(registry: Settings) -> dict[str, str]:
    """The id of each episode, by onset."""
    _, rows = query(
        registry, "SELECT onset_date, episode_id FROM fct_neutropenia_episode WHERE definition_id = 'udine_2025'"
    )
    return {str(onset): episode_id for onset, episode_id in rows}


@pytest.mark.parametrize("onset", STEPS)
def test_every_step_leads_to_its_file_and_record(registry: Settings, episodes: dict[str, str], onset: str) -> None:
    steps = trace(registry, episodes[onset]).steps
    assert [(_text(step["on_date"]), step["rule"], step["file"], step["record_number"]) for step in steps] == STEPS[
        onset
    ]


def _text(day: date | None) -> str | None:
    return None if day is None else str(day)


def test_a_step_tells_what_it_rests_on(registry: Settings, episodes: dict[str, str]) -> None:
    def told(onset: str) -> dict[str, str]:
        return {step["rule"]: step["what"] for step in trace(registry, episodes[onset]).steps}

    first, last = told("2022-06-01"), told("2023-06-10")
    assert first["attributed_dose"] == "ofatumumab, dose 6, assumed from its line"
    assert first["switched_in_class"] == "line of ocrelizumab from 2022-09-01, no end"
    assert last["earlier_episode"] == f"episode {episodes['2022-06-01'][:10]}"
    steps = trace(registry, episodes["2024-05-01"]).steps
    assert [step["rule"] for step in steps if step["is_nadir"]] == ["gcsf_rebound"]
    assert next(step["as_reported"] for step in steps if step["rule"] == "onset") == "900 /uL"


def test_the_rules_are_told_with_the_numbers_of_the_definition_in_force(
    registry: Settings, episodes: dict[str, str]
) -> None:
    rules = dict(trace(registry, episodes["2022-06-01"]).rules())
    assert list(rules) == list(dict.fromkeys(rule for _, rule, *_ in STEPS["2022-06-01"]))
    assert rules["onset"] == "the first ANC < 1 outside an episode starts one"
    assert "at most 365 days earlier" in rules["attributed_dose"]
    assert rules["first_dose_of_course"].startswith("a drug given every 28 days: the onset is late from 28 days after")
    assert (
        "more than 273 days (1.5 intervals)"
        in dict(trace(registry, episodes["2023-06-10"]).rules())["discontinued_without_dose"]
    )


def test_every_rule_can_be_told_and_stands_in_the_data_dictionary() -> None:
    definition = {
        "onset_inclusive": False,
        "onset_below": Decimal("1.0"),
        "recovery_at": Decimal("1.5"),
        "max_gap_days": 90,
        "gcsf_days": 14,
        "attribution_days": 365,
        "late_days": 28,
    }
    described = (DBT_PROJECT / "models/meta/episode_trace.yml").read_text(encoding="utf-8")
    for rule in RULES:
        told = sentence(rule, definition, 182, {"enrolment_start": "2018-06-01", "enrolment_end": None})
        assert not re.search(r"[{}]|None", told)
        assert re.search(rf"\b{rule}\b", described)


def test_the_command_shows_it_and_an_id_that_names_nothing_is_told(
    registry: Settings, episodes: dict[str, str]
) -> None:
    home = ["--home", str(registry.home)]
    shown = CliRunner().invoke(main, ["trace", episodes["2024-05-01"][:10], *home])
    assert shown.exit_code == 0, shown.output
    assert "site/2024-07/lab_results.csv" in shown.output
    assert "P1" not in shown.output.split()
    with pytest.raises(UserError, match="no episode id begins"):
        trace(registry, "ffff" * 8)
    with pytest.raises(UserError, match="is not an episode id"):
        trace(registry, "x' OR '1'='1")
