"""Every check refuses its planted defect, and Great Expectations counts what the same checks count in DuckDB."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from integration.candidates import BY_ID, filled
from integration.defects_of_a_release import PLANTED
from integration.generic_defects import as_sql, defects, kind
from integration.synthetic_warehouse import alter

from expectations import audit
from expectations.catalogue import CLINICAL
from expectations.check import Check
from expectations.published import generic_checks, published

GENERIC = {check.check_id: check for check in generic_checks()}

# Together they leave a table of every family broken, and none of them changes what a column is.
SEVERAL = (
    "anc_plausible",
    "anc_severity_agrees_with_scale",
    "attrition_adds_up",
    "case_listing_is_the_cases",
    "demographics_emptied",
    "dose_numbers_count_up",
    "episode_last_dose_known",
    "incidence_strata_add_up",
    "lab_value_plausible",
    "reconciliation_adds_up",
    "site_anc_month_emptied",
    "trace_rule_values",
)


@pytest.fixture(scope="module")
def in_memory(sound: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The sound candidate, copied into memory, with itself as the previous release."""
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{sound}' AS previous (READ_ONLY)")
        connection.execute("CREATE SCHEMA meta")
        for table in published():
            connection.execute(f"CREATE TABLE {table.name} AS FROM previous.{table.name}")
        yield connection


def found(connection: duckdb.DuckDBPyConnection, check: Check) -> int:
    """Rows at fault by the check's query."""
    row = connection.execute(f"SELECT count(*) FROM ({as_sql(check)}) AS found").fetchone()
    return int(row[0]) if row else 0


def found_after(connection: duckdb.DuckDBPyConnection, statement: str, check: Check) -> int:
    """What a check finds after this statement, which is taken back; if rows, at most all of its table."""
    connection.begin()
    try:
        connection.execute(statement)
        n = found(connection, check)
        row = connection.execute(f"SELECT count(*) FROM {check.table}").fetchone()
        assert check.finds != "rows" or (row is not None and n <= row[0])
        return n
    finally:
        connection.rollback()


@pytest.mark.parametrize("check_id", PLANTED)
def test_a_clinical_check_refuses_its_defect(check_id: str, in_memory: duckdb.DuckDBPyConnection, sound: Path) -> None:
    assert found_after(in_memory, filled(PLANTED[check_id], sound), BY_ID[check_id]) > 0


@pytest.mark.parametrize("check_id", GENERIC)
def test_a_generic_check_refuses_its_defects(check_id: str, in_memory: duckdb.DuckDBPyConnection) -> None:
    check = GENERIC[check_id]
    assert found(in_memory, check) == 0
    for statement in defects(check):
        assert found_after(in_memory, statement, check) > 0, statement


def test_no_check_is_without_a_planted_defect() -> None:
    assert set(PLANTED) == {check.check_id for check in CLINICAL}
    assert {*PLANTED, *GENERIC} == set(BY_ID)


def test_great_expectations_counts_what_the_queries_count(candidate: Path, sound: Path) -> None:
    surplus = "ALTER TABLE main.mart_attrition ADD COLUMN surplus VARCHAR"
    retyped = "ALTER TABLE main.fct_dose ALTER COLUMN dose_number TYPE BIGINT"
    rows = [one for check in GENERIC.values() if kind(check) not in ("columns", "types") for one in defects(check)]
    alter(candidate, *(filled(PLANTED[check_id], sound) for check_id in SEVERAL), *rows, surplus, retyped)
    results = audit(candidate, sound).checks
    assert [r.check_id for r in results if r.detail.startswith("could not be checked")] == []
    with duckdb.connect(str(candidate), read_only=True) as connection:
        connection.execute(f"ATTACH '{sound}' AS previous (READ_ONLY)")
        counts = {check_id: found(connection, check) for check_id, check in BY_ID.items()}
        for check_id, check in BY_ID.items():  # the rows that are looked up after a refusal
            assert (
                not check.query
                or found(connection, replace(check, expectation="", sql=check.query)) == counts[check_id]
            )
    assert {r.check_id: r.n_unexpected for r in results} == counts
    failed = {r.check_id for r in results if not r.passed}
    whole = {check_id for check_id, check in GENERIC.items() if kind(check) != "columns"}
    assert {*whole, "mart_attrition_columns", *SEVERAL} <= failed
    assert {r.severity for r in results if r.check_id in GENERIC} == {"critical"}


def test_a_missing_table_blocks_every_check_on_it(candidate: Path) -> None:
    alter(candidate, *(f"DROP TABLE {table.name}" for table in published()))
    results = audit(candidate).checks
    assert len(results) == len(BY_ID)
    assert all(r.blocks and r.detail == f"table missing: {r.table}" for r in results)
