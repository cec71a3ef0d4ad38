"""A Parquet file's typed columns as text, by DuckDB.

Dates and times become ISO (an instant with time zone in UTC, with its offset), numbers plain and short, with
the site's decimal mark, so that they read like the site's text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb

from registry.config.input_contract import MEASURED_ON, Entity
from registry.errors import UserError
from registry.ingest.header import Header, Tests, read_header
from registry.ingest.records import Record
from registry.system import memory
from registry.system.sql import literal

_RECORDS_AT_A_TIME = 10_000
_FEW_ROWS, _ROWS_PER_BYTE = 1_000_000, 20
"""Every row has a key of its own: a byte holds no twenty of them, however well it is packed."""
_TIMES_WITHOUT_ZONE = ("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS")
_SOURCE = "read_parquet($file, binary_as_string = true, file_row_number = true)"


def parquet_header(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    entity: Entity,
    own_names: dict[str, str],
    tests: Tests,
    key: Sequence[str],
    where: str,
) -> tuple[Header, tuple[str, ...]]:
    """Header, and per column the SQL that gives its text. UserError where the file can't be read."""
    try:
        described = connection.execute(
            f"DESCRIBE SELECT * EXCLUDE (file_row_number) FROM {_SOURCE}", {"file": str(path)}
        ).fetchall()
        claimed = connection.execute(
            "SELECT sum(num_rows) FROM parquet_file_metadata($file)", {"file": str(path)}
        ).fetchone()
        stored = connection.execute("SELECT name FROM parquet_schema($file)", {"file": str(path)}).fetchall()
    except duckdb.Error as error:
        if memory.ran_out(error):
            raise
        raise unreadable(where) from None
    if claimed and claimed[0] and claimed[0] > max(_FEW_ROWS, _ROWS_PER_BYTE * path.stat().st_size):
        raise UserError(f"{where}: says that it holds {claimed[0]:,} rows, too many for its size: export it anew")
    names = [str(row[0]) for row in described]
    if set(names) - {row[0] for row in stored}:
        raise UserError(f"{where}: two columns have the same header; export each column once")
    named = [name.strip() or f"column {number}" for number, name in enumerate(names, start=1)]
    header = read_header(entity, named, own_names, where, tests, key)
    return header, tuple(str(row[1]) for row in described)


def unreadable(where: str) -> UserError:
    """What to say of a Parquet file that DuckDB can't read: its own message would quote cells."""
    return UserError(f"{where}: not a readable Parquet file: damaged or cut off; send it again")


def parquet_cells(header: Header, types: tuple[str, ...], decimal_mark: str) -> list[str]:
    """Per column the SQL expression of its text over the relation of `parquet_relation`."""
    return [
        _text(f"c{position}", kind, decimal_mark) for position, kind in zip(range(header.width), types, strict=False)
    ]


def parquet_relation(header: Header) -> str:
    """SQL of a relation with columns c0, c1, ... and record_number; `$file` is the path."""
    columns = ", ".join(f"c{position}" for position in range(header.width))
    return (
        f"(SELECT file_row_number + 1 AS record_number, * EXCLUDE (file_row_number) FROM {_SOURCE}) "
        f"AS cells(record_number, {columns})"
    )


def parquet_records(
    connection: duckdb.DuckDBPyConnection, path: Path, header: Header, types: tuple[str, ...], decimal_mark: str
) -> Iterator[Record]:
    """The records of a file, in its order. May raise duckdb.Error."""
    cells = ", ".join(f"coalesce({cell}, '')" for cell in parquet_cells(header, types, decimal_mark))
    with connection.cursor() as reader:
        reader.execute("SET TimeZone = 'UTC'")
        reader.execute(f"SELECT {cells} FROM {parquet_relation(header)} ORDER BY record_number", {"file": str(path)})
        while rows := reader.fetchmany(_RECORDS_AT_A_TIME):
            yield from (Record(list(row)) for row in rows)


def holds_days(connection: duckdb.DuckDBPyConnection, path: Path, header: Header, types: tuple[str, ...]) -> bool:
    """Is the day of a record a column of times that are all midnight, as programs without a type for days write them?

    May raise duckdb.Error.
    """
    position = header.position(MEASURED_ON.get(header.entity.name, ""))
    if position is None or types[position] not in _TIMES_WITHOUT_ZONE:
        return False
    cell = f"CAST(c{position} AS TIMESTAMP)"
    found = connection.execute(
        f"SELECT count(*) FROM {parquet_relation(header)} WHERE {cell} <> date_trunc('day', {cell})",
        {"file": str(path)},
    ).fetchone()
    return found == (0,)


def _text(column: str, kind: str, decimal_mark: str) -> str:
    text = f"CAST({column} AS VARCHAR)"
    if kind in ("FLOAT", "DOUBLE"):
        exact = f"CAST(TRY_CAST({text} AS DECIMAL(38, 18)) AS VARCHAR)"
        text = (
            f"CASE WHEN {text} LIKE '%e%' THEN coalesce(rtrim(rtrim({exact}, '0'), '.'), {text}) "
            f"ELSE regexp_replace({text}, '\\.0$', '') END"
        )
    if decimal_mark != "." and (kind in ("FLOAT", "DOUBLE") or kind.startswith("DECIMAL")):
        text = f"replace({text}, '.', {literal(decimal_mark)})"
    return f"nullif({text}, '')"
