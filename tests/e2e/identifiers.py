"""Reads everything below a folder as text, whatever its format: DuckDB, Parquet, SQLite, gzip, plain."""

from __future__ import annotations

import gzip
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

import duckdb


def found_in(home: Path, needles: Iterable[str]) -> set[tuple[str, str]]:
    """Where outside the vault and the deliveries a text stands, by name or content: file and what was found there."""
    pattern = re.compile(_any_of(sorted(set(needles))))
    kept_apart = (home / "vault", home / "deliveries")
    leaks = set()
    for path in home.rglob("*"):
        name = str(path.relative_to(home))
        if any(apart == path or apart in path.parents for apart in kept_apart):
            continue
        texts = decoded(path) if path.is_file() and not path.is_symlink() else ()
        leaks |= {(name, match.group()) for text in (name, *texts) for match in [pattern.search(text)] if match}
    return leaks


def _any_of(needles: list[str]) -> str:
    """A pattern of any of these texts, common beginnings shared: many times faster than one branch each."""
    branches = []
    for letter, group in groupby(needles, key=lambda needle: needle[:1]):
        if not letter:
            return ""  # one of them ends here
        branches.append(re.escape(letter) + _any_of([needle[1:] for needle in group]))
    return branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches)})"


def decoded(path: Path) -> Iterator[str]:
    """The content of one file, column by column where it has columns; its raw bytes as well."""
    head = path.read_bytes()[:16]
    if head[8:12] == b"DUCK":
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(shutil.copy(path, Path(folder) / "copy.duckdb"))
            yield from _duckdb_columns(copy)
    elif head[:4] == b"PAR1":
        with duckdb.connect() as connection:
            for (column,) in connection.execute(
                f"SELECT name FROM parquet_schema('{path}') WHERE type IS NOT NULL"
            ).fetchall():
                rows = connection.execute(f"SELECT DISTINCT CAST(\"{column}\" AS VARCHAR) FROM '{path}'").fetchall()
                yield "\n".join(str(row[0]) for row in rows)
    elif head.startswith(b"SQLite format 3"):
        with sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True) as connection:
            for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                for row in connection.execute(f'SELECT * FROM "{table}"'):
                    yield " ".join(
                        cell.decode(errors="replace") if isinstance(cell, bytes) else str(cell) for cell in row
                    )
    elif head.startswith(b"\x1f\x8b"):
        yield gzip.decompress(path.read_bytes()).decode(errors="replace")
    yield path.read_bytes().decode(errors="replace")


def _duckdb_columns(path: Path) -> Iterator[str]:
    with duckdb.connect(str(path), read_only=True) as connection:
        columns = connection.execute(
            "SELECT schema_name, table_name, column_name FROM duckdb_columns() JOIN duckdb_tables() "
            "USING (schema_name, table_name) WHERE NOT duckdb_tables.internal"
        ).fetchall()
        for schema, table, column in columns:
            rows = connection.execute(
                f'SELECT DISTINCT CAST("{column}" AS VARCHAR) FROM "{schema}"."{table}"'
            ).fetchall()
            yield f"{column}\n" + "\n".join(str(row[0]) for row in rows)
