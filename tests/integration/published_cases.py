"""The published cases of tests/golden as deliveries: what a site would have sent of them.

Each file is one site with one delivery. Days count from a patient's first dose; see tests/golden/README.md.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import yaml

from registry.config.input_contract import ENTITIES

FOLDER = Path(__file__).parents[1] / "golden"
FIRST_DOSE = date(2020, 1, 6)
_DELIVERY = "2024-12"
_LOINC = {"anc": "751-8", "wbc": "26464-8"}
_FIELDS = {"published", "age", "sex", "doses", "lines", "anc", "wbc", "events", "expected"}

Row = dict[str, object]


def publications() -> dict[str, dict[str, Any]]:
    """Every file by its name, with what it tells."""
    return {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.yml"))}


def deliver(publication: dict[str, Any], deliveries: Path) -> None:
    """Write what the site of this publication delivers, as native CSV."""
    tables: dict[str, list[Row]] = defaultdict(list)
    for patient, story in [*publication["patients"].items(), *_others(publication)]:
        assert set(story) <= _FIELDS, f"{patient}: {set(story) - _FIELDS} is not delivered"
        for entity, row in _rows(story):
            key = ENTITIES[entity].key
            number = {} if entity == "patients" else {key: f"{patient}-{len(tables[entity])}"}
            tables[entity].append({"patient_id": patient, **number, **row})
    folder = deliveries / publication["site"] / _DELIVERY
    folder.mkdir(parents=True)
    for entity, rows in tables.items():
        with (folder / f"{entity}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)


def _rows(story: dict[str, Any]) -> Iterator[tuple[str, Row]]:
    """What is delivered of one patient: the entity, then the cells but keys and patient."""
    yield "patients", {"birth_date": FIRST_DOSE.year - story["age"], "sex": story["sex"]}
    for drug, days in story.get("doses", {}).items():
        for day in days:
            yield "administrations", {"drug": drug, "administered_on": _date(day)}
    for drug, lines in story.get("lines", {}).items():
        for start, end in lines:
            yield "treatments", {"drug": drug, "start_date": _date(start), "end_date": _date(end)}
    for analyte, loinc in _LOINC.items():
        for day, value in story.get(analyte, {}).items():
            yield (
                "lab_results",
                {"test_code": loinc, "value": value, "unit": "10*9/L", "collected_at": _date(day)},
            )
    for event, days in story.get("events", {}).items():
        for day in days:
            yield "clinical_events", {"event_type": event, "onset_date": _date(day)}


def _others(publication: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Patients of whom nothing is told but their doses, dealt out as evenly as they can be."""
    if "others" not in publication:
        return
    others = publication["others"]
    each, left = divmod(others["doses"], others["patients"])
    for number in range(others["patients"]):
        days = [182 * dose for dose in range(each + (number < left))]
        yield f"SYN-OTHER-{number}", {"age": 64, "sex": "F", "doses": {others["drug"]: days}}


def _date(day: int | None) -> str:
    return "" if day is None else (FIRST_DOSE + timedelta(days=day)).isoformat()
