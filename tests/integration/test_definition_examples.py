"""Each case definition finds the patients it is meant to find, and leaves the others: tests/definitions/<id>.yml.

A name says what a definition means, a hash that it has changed; only patients say that it does what its name says.
Every shipped definition must have examples of both kinds. To add one: docs in CONTRIBUTING.md.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from integration.compiled_project import compiled_project

from registry.config import terminology

FOLDER = Path(__file__).parents[1] / "definitions"
DEFINITIONS = sorted(terminology.definitions())
HEADERS = {
    "patients": "patient_id,birth_date,sex",
    "administrations": "administration_id,patient_id,drug,administered_on",
    "treatments": "treatment_id,patient_id,drug,start_date",
    "lab_results": "result_id,patient_id,test_code,value,unit,collected_at",
    "adjudications": "adjudication_id,patient_id,onset_from,onset_to,verdict",
}
# What is compared: tests/mutation asks whether these rows would show a change of the SQL.
FIRST_ONSETS = """
    SELECT definition_id, patient_id, min(onset_date)::VARCHAR FROM main.fct_neutropenia_episode
    JOIN vault.main.patient_map USING (patient_key) WHERE is_case_episode GROUP BY ALL
"""


def examples(definition: str) -> list[tuple[str, dict[str, Any]]]:
    """Every example of a definition: whether it is a case, and what happened."""
    stories = yaml.load((FOLDER / f"{definition}.yml").read_text(), yaml.BaseLoader)
    return [(kind, story) for kind in ("cases", "no_cases") for story in stories[kind]]


def rows_of(patient: str, story: dict[str, Any]) -> list[tuple[str, ...]]:
    """What a site delivers of this patient: the entity, then the cells."""
    doses = [(drug, day) for drug, days in story.get("doses", {}).items() for day in days]
    labs = [(day, "751-8", value, "10*9/L") for day, value in story.get("anc", {}).items()]
    labs += [tuple(result) for result in story.get("other", [])]
    return [
        ("patients", patient, "1980-01-01", "F"),
        *(("administrations", f"{patient}-{n}", patient, *dose) for n, dose in enumerate(doses)),
        *(("treatments", f"{patient}-{n}", patient, *line) for n, line in enumerate(story.get("lines", {}).items())),
        *(
            ("lab_results", f"{patient}-{n}", patient, code, value, unit, day)
            for n, (day, code, value, unit) in enumerate(labs)
        ),
        *(
            ("adjudications", f"{patient}-{n}", patient, day, day, verdict)
            for n, (day, verdict) in enumerate(story.get("review", {}).items())
        ),
    ]


def deliver(home: Path) -> None:
    """Deliver all examples to one registry."""
    delivery = home / "deliveries" / "examples" / "2024-12"
    delivery.mkdir(parents=True)
    tables: dict[str, list[str]] = {entity: [header] for entity, header in HEADERS.items()}
    for definition in DEFINITIONS:
        for number, (_, story) in enumerate(examples(definition)):
            for entity, *cells in rows_of(f"{definition}-{number}", story):
                tables[entity].append(",".join(cells))
    for entity, lines in tables.items():
        (delivery / f"{entity}.csv").write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def first_onsets(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], str]:
    """(definition, patient) → the first case episode's onset, of all examples in one registry."""
    home = tmp_path_factory.mktemp("examples")
    deliver(home)
    settings = compiled_project().build(home)
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        connection.execute(f"ATTACH '{settings.raw_db}' AS vault (READ_ONLY)")
        held_back = connection.execute("SELECT sum(rows_quarantined) FROM meta.reconciliation").fetchone()
        assert held_back == (0,), "an example is not what it says"
        found = connection.execute(FIRST_ONSETS).fetchall()
    return {(definition, patient): onset for definition, patient, onset in found}


@pytest.mark.parametrize("definition", DEFINITIONS)
def test_a_definition_finds_its_cases_and_no_others(definition: str, first_onsets: dict[tuple[str, str], str]) -> None:
    told = examples(definition)
    assert {kind for kind, _ in told} == {"cases", "no_cases"}
    for number, (kind, story) in enumerate(told):
        onset = first_onsets.get((definition, f"{definition}-{number}"))
        assert onset == (story["first_onset"] if kind == "cases" else None), story["story"]


def test_every_shipped_definition_has_its_examples_and_no_file_is_left_over() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.yml")) == DEFINITIONS
