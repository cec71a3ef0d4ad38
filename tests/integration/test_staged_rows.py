"""Staged rows that break a rule are counted by it, and by it alone, and keep the release from being published."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from integration.compiled_project import compiled_project
from integration.registry_home import load
from reference.cohort import generate
from reference.writer import write

from expectations import audit
from expectations.suites import staged
from registry.config.settings import Settings

# What staging would have to get wrong, in one row that is current. Patients and chart reviews are views over the vault.
_BROKEN = {
    ("treatments", "key_once"): "record_key = (SELECT max(record_key) FROM {current})",
    ("treatments", "not_held_back"): "reasons = 'unknown_drug'",
    ("treatments", "patient_known"): "patient_no = -1",
    ("treatments", "drug_known"): "drug = 'aspirine'",
    ("treatments", "dates_in_order"): "end_date = start_date - 1",
    ("treatments", "dates_by_delivery"): "start_date = DATE '2100-01-01', end_date = NULL",
    ("administrations", "drug_known"): "drug = NULL",
    ("administrations", "dates_by_delivery"): "administered_date = NULL",
    ("lab_results", "analyte_known"): "analyte = 'haemoglobin'",
    ("lab_results", "value_in_bounds"): "canonical_value = 100.000001, analyte = 'anc'",
    ("lab_results", "whole_cells"): "canonical_value = 0.0345, analyte = 'platelets'",
    ("lab_results", "operator_known"): "operator = '~'",
    ("lab_results", "dates_by_delivery"): "collected_date = DATE '2100-01-01'",
    ("clinical_events", "codes_known"): "event_type = NULL",
    ("clinical_events", "dates_in_order"): "end_date = onset_date - 1",
}
_SINGULAR = {
    "treatments": "treatment",
    "administrations": "administration",
    "lab_results": "lab_result",
    "clinical_events": "clinical_event",
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    home: Path = tmp_path_factory.mktemp("staged")
    write(generate(1, messy=True, patients=40), home / "deliveries")
    settings = load(home)
    compiled_project().run(settings, with_views=True)  # the tests change rows beneath them
    return settings


def counted(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], int]:
    """Rows that break a rule, by entity and rule; the rules that none breaks are left out."""
    (model,) = [model for model in compiled_project().models if model.name == "staged_check"]
    found = connection.execute(f"SELECT entity, rule, n_broken FROM ({model.sql}) WHERE n_broken > 0").fetchall()
    return {(entity, rule): n for entity, rule, n in found}


def test_sound_and_messy_deliveries_break_none(built: Settings) -> None:
    assert audit(built.warehouse, checks=staged.CHECKS).passed
    with duckdb.connect(str(built.warehouse), read_only=True) as connection:
        n_rows = dict(
            connection.execute("SELECT entity, min(n_rows) FROM meta.staged_check GROUP BY entity").fetchall()
        )
    assert set(n_rows) == {entity for entity, _ in staged.EXPECTED}
    assert min(n_rows.values()) > 0


@pytest.mark.parametrize(("entity", "rule"), _BROKEN)
def test_a_row_that_breaks_a_rule_is_counted(built: Settings, entity: str, rule: str) -> None:
    name = _SINGULAR[entity]
    current = f"intermediate.int_current_{name}"
    with duckdb.connect(str(built.warehouse)) as connection:
        connection.execute(f"ATTACH '{built.raw_db}' AS vault (READ_ONLY)")
        assert counted(connection) == {}
        connection.begin()
        connection.execute(
            f"UPDATE staging.stg_{name} SET {_BROKEN[entity, rule].format(current=current)} WHERE record_key = "
            f"(SELECT min(record_key) FROM {current} AS current) AND (file_no, record_number) IN "
            f"(SELECT (file_no, record_number) FROM {current} AS current)"
        )
        assert counted(connection) == {(entity, rule): 1}
        connection.rollback()
