"""The main figures of a release: patients, cases, new severe cases, quarantined rows that are open."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from registry.config.settings import A_FEW_ROWS
from registry.release.store import Release

_FIGURES = """
SELECT
    (
        SELECT sum(incidence.n_patients) FROM main.mart_incidence AS incidence
        JOIN main.dim_case_definition AS definition ON incidence.definition_id = definition.definition_id
        WHERE definition.is_primary AND incidence.stratum_type = 'overall'
    ),
    (
        SELECT sum(incidence.n_cases) FROM main.mart_incidence AS incidence
        JOIN main.dim_case_definition AS definition ON incidence.definition_id = definition.definition_id
        WHERE definition.is_primary AND incidence.stratum_type = 'overall'
    ),
    (SELECT count(*) FROM main.mart_new_cases WHERE is_case_episode AND NOT possibly_severe AND NOT is_first_release),
    (SELECT coalesce(sum({open_rows}), 0) FROM meta.reconciliation)
"""


@dataclass(frozen=True)
class Figures:
    """Patients in the cohort, cases under the primary definition, severe cases not in the previous release's list."""

    patients: int
    cases: int
    new_severe_cases: int
    rows_open: int


def figures(release: Release) -> Figures:
    """The figures of a release; UserError if its database is damaged."""
    with release.reading(), duckdb.connect(str(release.database), read_only=True, config=A_FEW_ROWS) as connection:
        open_rows = open_column(connection, "reconciliation")
        row = connection.execute(_FIGURES.format(open_rows=open_rows)).fetchone()
    return Figures(*(int(value or 0) for value in row or (0, 0, 0, 0)))


def open_column(connection: duckdb.DuckDBPyConnection, table: str, database: str | None = None) -> str:
    """The column of `meta.reconciliation` or `meta.quarantine_summary` that counts open rows.

    Releases of an earlier version count only what is quarantined: all of it counts as open.
    """
    column, instead = {
        "reconciliation": ("rows_open", "rows_quarantined"),
        "quarantine_summary": ("n_open", "n_rows"),
    }[table]
    found = connection.execute(
        "SELECT 1 FROM duckdb_columns() WHERE database_name = coalesce($database, current_database()) "
        "AND schema_name = 'meta' AND table_name = $table AND column_name = $column",
        {"database": database, "table": table, "column": column},
    ).fetchone()
    return column if found else instead
