"""From an episode to the files and records behind it, on one patient worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from integration.compiled_project import compiled_project

from registry import release
from registry.cli import main
from registry.errors import UserError
from registry.release.query import query
from registry.settings import Settings
from registry.statistics import write_statistics
from registry.trace import RULES, trace

FILES = {
    "2024-06/patients.csv": "patient_id,birth_date,sex\nP1,1980-05-01,F\n",
    "2024-06/administrations.csv": "administration_id,patient_id,drug,administered_on\n"
    "1,P1,ocrelizumab,2024-01-10\n2,P1,filgrastim,2024-05-03\n",
    "2024-06/lab_results.csv": "result_id,patient_id,test_code,value,unit,collected_at\n"
    "1,P1,751-8,3.1,10*9/L,2024-01-09\n"
    "2,P1,751-8,900,/uL,2024-05-01\n"
    "3,P1,751-8,1.2,10*9/L,2024-05-02\n"
    "4,P1,751-8,2.5,10*9/L,2024-05-05\n"
    "5,P1,751-8,1.8,10*9/L,2024-05-08\n"
    "6,P1,751-8,0.4,10*9/L,2024-05-12\n",
    # derived from leukocytes and a percentage: two records
    "2024-07/lab_results.csv": "result_id,patient_id,test_code,value,unit,collected_at\n"
    "7,P1,26464-8,4.0,10*9/L,2024-07-02\n8,P1,770-8,50,%,2024-07-02\n",
}
STEPS = [
    ("last_normal", "3.1", "site/2024-06/lab_results.csv", 1),
    ("attributed_dose", "", "site/2024-06/administrations.csv", 1),
    ("onset", "0.9", "site/2024-06/lab_results.csv", 2),
    ("not_yet_recovered", "1.2", "site/2024-06/lab_results.csv", 3),
    ("gcsf", "", "site/2024-06/administrations.csv", 2),
    ("provisional_recovery", "2.5", "site/2024-06/lab_results.csv", 4),
    ("gcsf_rebound", "0.4", "site/2024-06/lab_results.csv", 6),
    ("recovered", "2.0", "site/2024-07/lab_results.csv", 1),
    ("recovered", "2.0", "site/2024-07/lab_results.csv", 2),
]


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
def episode_id(registry: Settings) -> str:
    _, rows = query(registry, "SELECT episode_id FROM fct_neutropenia_episode WHERE definition_id = 'udine_2025'")
    ((found,),) = rows
    return str(found)


def test_every_step_leads_to_its_file_and_record(registry: Settings, episode_id: str) -> None:
    traced = trace(registry, episode_id)
    assert [(step["rule"], step["anc"], step["file"], step["record_number"]) for step in traced.steps] == STEPS
    assert [step["rule"] for step in traced.steps if step["is_nadir"]] == ["gcsf_rebound"]
    assert traced.steps[2]["as_reported"] == "900 /uL"


def test_the_rules_are_told_with_the_numbers_of_the_definition_in_force(registry: Settings, episode_id: str) -> None:
    rules = dict(trace(registry, episode_id).rules())
    assert list(rules) == list(dict.fromkeys(rule for rule, *_ in STEPS))
    assert rules["onset"] == "the first ANC < 1 outside an episode starts one"
    assert rules["attributed_dose"].endswith("at most 365 days back")


def test_every_rule_that_a_step_can_have_is_explained() -> None:
    model = (Path(__file__).parents[2] / "dbt_project/models/meta/episode_trace.yml").read_text()
    for rule in RULES:
        assert rule in model


def test_the_command_shows_it_and_an_id_that_names_nothing_is_told(registry: Settings, episode_id: str) -> None:
    home = ["--home", str(registry.home)]
    shown = CliRunner().invoke(main, ["trace", episode_id[:10], *home])
    assert shown.exit_code == 0, shown.output
    assert "site/2024-07/lab_results.csv" in shown.output
    assert "P1" not in shown.output.split()
    with pytest.raises(UserError, match="no episode's id begins"):
        trace(registry, "ffff" * 8)
    with pytest.raises(UserError, match="no episode id"):
        trace(registry, "x' OR '1'='1")
