"""SQL text and rows of DuckDB: quoting, attaching, rows as dictionaries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb


def literal(text: str | Path) -> str:
    """A text or path as an SQL literal."""
    return "'" + str(text).replace("'", "''") + "'"


def identifier(name: str) -> str:
    """`schema.table` with each part quoted."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in name.split("."))


def attach(connection: duckdb.DuckDBPyConnection, path: Path, alias: str) -> None:
    """Attach a database file, read-only."""
    connection.execute(f"ATTACH {literal(path)} AS {alias} (READ_ONLY)")


def records(connection: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    """The rows of a query, each as column → value."""
    cursor = connection.execute(query)
    columns = [column[0] for column in cursor.description or []]
    return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
