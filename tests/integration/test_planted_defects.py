"""Every check refuses its planted defect, and of the others only those that rest on the same rows do."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest
from integration.candidates import BY_ID, one
from integration.defects_of_a_release import PLANTED
from integration.defects_seen_twice import ALSO_REFUSED_BY
from integration.synthetic_warehouse import alter

from expectations import audit
from expectations.contract import PUBLISHED

KINDS_OF_EVERY_TABLE = ("_columns", "_key_present", "_key_unique")


def filled(statement: str, path: Path) -> str:
    """The statement with the keys of a case and of another patient."""
    with duckdb.connect(str(path), read_only=True) as connection:
        case = connection.execute("SELECT min(patient_key) FROM main.fct_neutropenia_episode").fetchone()
        other = connection.execute(
            "SELECT min(patient_key) FROM main.dim_patient WHERE patient_key NOT IN "
            "(SELECT patient_key FROM main.fct_neutropenia_episode)"
        ).fetchone()
    assert case
    assert other
    return statement.replace("{case}", case[0]).replace("{other}", other[0])


def others_refusing(candidate: Path, previous: Path, check_id: str) -> set[str]:
    """The other critical queries on the altered tables that find something: in DuckDB alone, which is quicker."""
    changed = re.split(r"\bSELECT\b|\bWHERE\b", PLANTED[check_id])[0]
    tables = re.findall(r"(?:main|meta)\.\w+", changed)
    with duckdb.connect(str(candidate), read_only=True) as connection:
        connection.execute(f"ATTACH '{previous}' AS previous (READ_ONLY)")
        return {
            check.check_id
            for check in BY_ID.values()
            if check.severity == "critical" and check.check_id != check_id and any(t in check.sql for t in tables)
            if connection.execute(f"SELECT 1 FROM ({check.sql}) LIMIT 1").fetchone()
        }


@pytest.mark.parametrize("check_id", PLANTED)
def test_a_planted_defect_is_refused_by_its_check_and_by_those_that_rest_on_the_same_rows(
    check_id: str, candidate: Path, sound: Path
) -> None:
    alter(candidate, filled(PLANTED[check_id], sound))
    result = one(candidate, check_id, previous=sound)
    assert not result.passed
    assert result.n_unexpected > 0
    assert not result.detail.startswith("could not be checked")
    assert result.severity == BY_ID[check_id].severity
    assert others_refusing(candidate, sound, check_id) == ALSO_REFUSED_BY.get(check_id, set())


def test_no_check_is_without_a_planted_defect() -> None:
    assert set(PLANTED) == {check_id for check_id in BY_ID if not check_id.endswith(KINDS_OF_EVERY_TABLE)}


@pytest.mark.parametrize("table", PUBLISHED, ids=lambda table: table.name)
def test_a_table_without_a_column_a_key_or_with_a_key_twice_is_refused(table, candidate: Path) -> None:
    name = table.name.partition(".")[2]
    if table.key:
        a_row = f"INSERT INTO {table.name} ({table.key[0]}) VALUES (NULL)"
        alter(candidate, f"INSERT INTO {table.name} SELECT * FROM {table.name} LIMIT 1", a_row, a_row)
        assert one(candidate, f"{name}_key_present").blocks
        assert one(candidate, f"{name}_key_unique").blocks
    alter(candidate, f"ALTER TABLE {table.name} DROP COLUMN {table.columns[-1]}")
    assert one(candidate, f"{name}_columns").blocks


@pytest.mark.parametrize("table", PUBLISHED, ids=lambda table: table.name)
def test_a_missing_table_blocks_every_check_on_it(table, candidate: Path) -> None:
    alter(candidate, f"DROP TABLE {table.name}")
    checks = [check for check in BY_ID.values() if check.table == table.name]
    results = audit(candidate, checks=checks).checks
    assert results
    assert all(r.blocks and r.detail == f"table missing: {table.name}" for r in results)
