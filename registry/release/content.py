"""The content of a release, table by table: rows, columns and a content hash.

The hash is independent of the order of rows and of the engine's file format: SHA-256 over a table's name, its columns
with their types, its number of rows and the sum of DuckDB's `hash()` over them. It detects content that changed by
accident or by a different computation; SHA256SUMS protects against tampering.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from registry.system.sql import identifier

ALGORITHM = "sha256(name, columns and types, rows, sum of DuckDB hash() over rows)"

# Written after the audit, so they can't be compared.
AFTER_AUDIT = ("meta.check_result", "meta.release")

# Audited, but depends on the previous release: the same inputs may give different content.
AGAINST_PREVIOUS = ("main.mart_new_cases",)

NOT_COMPARED = AFTER_AUDIT + AGAINST_PREVIOUS


@dataclass(frozen=True)
class TableContent:
    """A table as published: columns with their types in order, rows, and the hash of its content."""

    name: str
    columns: tuple[tuple[str, str], ...]
    rows: int
    content_hash: str


def tables_of(connection: duckdb.DuckDBPyConnection, database: str) -> list[str]:
    """The tables and views of schemas main and meta of an attached database, as `schema.name`, sorted."""
    found = connection.execute(
        """
        SELECT table_schema || '.' || table_name FROM information_schema.tables
        WHERE table_catalog = ? AND table_schema IN ('main', 'meta') ORDER BY 1
        """,
        [database],
    ).fetchall()
    return [name for (name,) in found]


def contents(
    path: Path,
    only: Collection[str] | None = None,
    options: Mapping[str, str | int | bool | float | list[str]] | None = None,
) -> dict[str, TableContent]:
    """The tables of a release file with their hashes: those in `only`, by default all that are compared.

    `options` is DuckDB's configuration (memory_limit, threads, temp_directory).
    """
    with duckdb.connect(str(path), read_only=True, config=dict(options or {})) as connection:
        row = connection.execute("SELECT current_database()").fetchone()
        names = tables_of(connection, row[0] if row else "")
        asked = [name for name in names if name in only] if only else [n for n in names if n not in NOT_COMPARED]
        return {name: _content(connection, name) for name in asked}


def _content(connection: duckdb.DuckDBPyConnection, name: str) -> TableContent:
    relation = connection.execute(f"SELECT * FROM {identifier(name)} LIMIT 0").description
    columns = tuple((column[0], str(column[1])) for column in relation)
    listed = ", ".join(f'"{column}"' for column, _ in columns)
    found = connection.execute(f"SELECT count(*), sum(hash({listed})) FROM {identifier(name)}").fetchone()
    rows, total = found if found else (0, None)
    text = "\n".join([name, *(" ".join(column) for column in columns), str(rows), str(total or 0)])
    return TableContent(name, columns, rows, hashlib.sha256(text.encode()).hexdigest())
