"""A formula without a stored value, or an error of a spreadsheet, is held back wherever it stands; nothing vanishes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest
from integration.compiled_project import compiled_project
from unit.workbooks import Rows, workbook

from registry.config.input_contract import ENTITIES, FORMULA

BAD = "bad"
"""Stands for the formula or error in the tables below."""
SOUND: dict[str, dict[str, Any]] = {
    "patients": {"patient_id": "P1", "birth_date": "1980-05-01", "sex": "F"},
    "treatments": {"treatment_id": "T", "patient_id": "P1", "drug": "ocrelizumab", "start_date": "2024-01-02"},
    "administrations": {
        "administration_id": "A",
        "patient_id": "P1",
        "drug": "ocrelizumab",
        "administered_on": "2024-01-02",
    },
    "lab_results": {
        "result_id": "R",
        "patient_id": "P1",
        "test_code": "751-8",
        "value": 1.5,
        "unit": "10*9/L",
        "collected_at": "2024-01-20",
    },
    "clinical_events": {
        "event_id": "E",
        "patient_id": "P1",
        "event_type": "infection",
        "onset_date": "2024-01-20",
    },
    "adjudications": {
        "adjudication_id": "J",
        "patient_id": "P1",
        "onset_from": "2024-01-02",
        "onset_to": "2024-01-20",
        "verdict": "confirmed",
    },
}
HELD: dict[str, dict[str, str]] = {
    "patients": {"patient_id": "missing_key"},
    "treatments": {
        "treatment_id": "missing_key",
        "patient_id": "missing_required",
        "drug": "unknown_drug",
        "start_date": "unparseable_date",
        "status": "invalid_code",
    },
    "administrations": {
        "administration_id": "missing_key",
        "patient_id": "missing_required",
        "drug": "unknown_drug",
        "administered_on": "unparseable_date",
        "status": "invalid_code",
    },
    "lab_results": {
        "result_id": "missing_key",
        "patient_id": "missing_required",
        "test_code": "missing_required",
        "value": "non_numeric_value",
        "unit": "unit_unknown",
        "collected_at": "unparseable_date",
        "material": "unknown_material",
        "status": "invalid_code",
    },
    "clinical_events": {
        "event_id": "missing_key",
        "patient_id": "missing_required",
        "event_type": "invalid_code",
        "onset_date": "unparseable_date",
        "status": "invalid_code",
    },
    "adjudications": {
        "adjudication_id": "missing_key",
        "patient_id": "missing_required",
        "onset_from": "unparseable_date",
        "onset_to": "unparseable_date",
        "verdict": "invalid_code",
        "status": "invalid_code",
    },
}
EMPTIED: dict[str, dict[str, str]] = {
    "patients": {
        "birth_date": "unparseable_date",
        "sex": "invalid_code",
        "ms_phenotype": "invalid_code",
        "ms_onset_date": "unparseable_date",
        "last_contact_date": "unparseable_date",
        "death_date": "unparseable_date",
        "duffy_null": "invalid_code",
        "status": "invalid_code",
    },
    "treatments": {"end_date": "unparseable_date", "end_reason": "invalid_code"},
    "administrations": {"dose": "non_numeric_value"},
    "lab_results": {
        "specimen_id": "invalid_code",
        "reference_low": "non_numeric_value",
        "reference_high": "non_numeric_value",
    },
    "clinical_events": {"end_date": "unparseable_date"},
    "adjudications": {"reviewed_on": "unparseable_date"},
}


def _rows(entity: str) -> list[dict[str, Any]]:
    """A sound row, then one for each column that may be bad, with keys of their own."""
    key, sound = ENTITIES[entity].key, SOUND[entity]
    rows = [sound]
    for number, column in enumerate((*HELD[entity], *EMPTIED[entity])):
        rows.append({**sound, key: f"{sound[key]}{number}", column: BAD})
    return [*rows, {**rows[1], key: BAD}]


@pytest.mark.parametrize(("file_format", "bad"), [("xlsx", "=1+1"), ("xlsx", "#N/A"), ("csv", "#NV"), ("csv", FORMULA)])
def test_each_column_is_held_back_or_emptied_by_its_own_rule(tmp_path: Path, file_format: str, bad: str) -> None:
    folder = tmp_path / "deliveries" / "udine" / "2024-01"
    folder.mkdir(parents=True)
    for entity, contract in ENTITIES.items():
        rows = [[bad if cell == BAD else cell for cell in map(row.get, contract.columns)] for row in _rows(entity)]
        table: Rows = [list(contract.columns), *rows]
        if file_format == "xlsx":
            (folder / f"{entity}.xlsx").write_bytes(workbook(table))
        else:
            text = "\n".join(",".join(str(cell or "") for cell in row) for row in table)
            (folder / f"{entity}.csv").write_text(text, encoding="utf-8")
    built = compiled_project().build(
        tmp_path, up_to=("int_row_disposition", "column_defect", "reconciliation", "stg_lab_result")
    )
    with duckdb.connect(str(built.warehouse), read_only=True) as connection:
        held = connection.execute(
            "SELECT entity, record_number, disposition, reasons FROM intermediate.int_row_disposition"
        ).fetchall()
        emptied = connection.execute("SELECT entity, column_name, reason, n_cells FROM meta.column_defect").fetchall()
        delivered = connection.execute(
            "SELECT entity, rows_delivered, rows_current FROM meta.reconciliation"
        ).fetchall()
        specimens = connection.execute("SELECT count(specimen_hash) FROM staging.stg_lab_result").fetchall()
    assert {(entity, number): (how, why) for entity, number, how, why in held} == {
        (entity, number): ("quarantined", reason)
        for entity in ENTITIES
        for number, reason in enumerate(HELD[entity].values(), start=2)
    } | {(entity, len(_rows(entity))): ("quarantined", "missing_key") for entity in ENTITIES}
    assert {row[:3] for row in emptied} == {
        (entity, column, reason) for entity in ENTITIES for column, reason in EMPTIED[entity].items()
    }
    assert {row[3] for row in emptied} == {1}
    assert {entity: n for entity, n, _ in delivered} == {entity: len(_rows(entity)) for entity in ENTITIES}
    assert specimens == [(0,)]
