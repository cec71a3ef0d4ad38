"""The fast ways into raw: DuckDB reads pieces of plain CSV, or a Parquet file, by itself.

A piece is plain where each of its lines is one good record. Whatever DuckDB finds otherwise is taken back and
left to registry/ingest/records.py, which reads plain text the same way (a property test holds both to it) and
knows what to do with the rest.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from pathlib import Path

import duckdb

from registry.ingest.header import Header
from registry.ingest.parquet import parquet_cells, parquet_relation
from registry.ingest.records import MAX_RECORD, Dialect


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _raw_columns(header: Header, cells: Sequence[str]) -> str:
    """SQL of the contract's columns, extra and malformed; `cells` holds each delivered column's SQL."""
    known = [
        "NULL" if (position := header.position(column)) is None else cells[position]
        for column in header.entity.columns
    ]
    extra = "NULL"
    if header.unknown:
        names = ", ".join(_quoted(name) for _, name in header.unknown)
        values = ", ".join(cells[position] for position, _ in header.unknown)
        extra = f"map([{names}], [{values}])"
    return ", ".join([*known, extra, "NULL"])


def _n_lines(data: bytes) -> int:
    """Lines of a piece, empty ones at its end apart."""
    end = len(data)
    while end and data[end - 1] in b"\r\n":
        end -= 1
    return data.count(b"\n", 0, end) + 1 if end else 0


class CsvBulk:
    """Loads pieces of one CSV file by DuckDB, in the caller's transaction."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        folder: Path,
        header: Header,
        dialect: Dialect,
        threads: int,
    ) -> None:
        self.n_pieces = threads
        """How many pieces one call of `load` should get."""
        self._connection = connection
        self._folder = folder
        self._header = header
        self._dialect = dialect

    def takes(self, data: bytes) -> bool:
        """May DuckDB read this piece? Not where it is known to differ from registry/ingest/records.py.

        That is (DuckDB 2.0) with several kinds of line end, a byte order mark at the start, spaces around a quoted
        cell, which it drops, keeps or takes for part of the cell, and a lone column, whose blank cells are no records.
        """
        dialect = self._dialect
        if dialect.line_end != "\n" or dialect.width < 2 or data.startswith(codecs.BOM_UTF8):
            return False
        returns = data.count(b"\r")
        if returns and not returns == data.count(b"\n") == data.count(b"\r\n"):
            return False
        if b'"' not in data or (b' "' not in data and b'" ' not in data):
            return True
        mark = re.escape(dialect.delimiter.encode())
        around = rb'(?:^|[%b\r\n]) +"|" +(?:["%b\r\n]|$)' % (mark, mark)
        return re.search(around, data) is None

    def load(self, pieces: Sequence[bytes], file_no: int, first_record: int) -> int | None:
        """Rows loaded from successive pieces; None where they are not plain, and then nothing of them is.

        May raise duckdb.Error (with cells in its text), which ends the transaction.
        """
        # A parallel read knows no record numbers, and numbering makes it serial. So each piece is read by one thread,
        # several at a time, and numbered from the count of the lines before it, which the check below confirms.
        paths = [self._folder / f"piece_{number}.csv" for number in range(len(pieces))]
        branches, first = [], first_record
        for number, (path, data) in enumerate(zip(paths, pieces, strict=True)):
            path.write_bytes(data)
            branches.append(self._branch(number, path, file_no, first))
            first += _n_lines(data)
        try:
            n_rows = self._insert(branches, len(pieces))
        finally:
            for path in paths:
                path.unlink()
        if n_rows == first - first_record:
            return n_rows
        self._connection.execute(
            f'DELETE FROM raw."{self._header.entity.name}" '
            "WHERE file_no = $file_no AND record_number >= $first",
            {"file_no": file_no, "first": first_record},
        )
        return None

    def _branch(self, number: int, path: Path, file_no: int, first: int) -> str:
        columns = [f"c{position}" for position in range(self._header.width)]
        types = ", ".join(f"'{column}': 'VARCHAR'" for column in columns)
        return f"""
            SELECT {file_no}, {first} - 1 + row_number() OVER (), {_raw_columns(self._header, columns)}
            FROM read_csv(
                {_quoted(str(path))}, columns = {{{types}}}, auto_detect = false, header = false,
                delim = {_quoted(self._dialect.delimiter)}, quote = '"', escape = '"', nullstr = '',
                encoding = 'utf-8', strict_mode = true, null_padding = false, max_line_size = {MAX_RECORD},
                store_rejects = true, rejects_table = 'rejects_{number}', rejects_scan = 'scans_{number}',
                rejects_limit = 1
            )
        """

    def _insert(self, branches: Sequence[str], n_pieces: int) -> int:
        """Insert the rows of all branches; how many, or -1 where DuckDB refused a record."""
        row = self._connection.execute(
            f'INSERT INTO raw."{self._header.entity.name}" ' + " UNION ALL ".join(branches)
        ).fetchone()
        n_rejected = 0
        for number in range(n_pieces):
            rejected = self._connection.execute(f"SELECT count(*) FROM rejects_{number}").fetchone()
            n_rejected += rejected[0] if rejected else 1
            self._connection.execute(f"DROP TABLE rejects_{number}; DROP TABLE scans_{number}")
        return int(row[0]) if row and not n_rejected else -1


def load_parquet(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    header: Header,
    types: tuple[str, ...],
    decimal_mark: str,
    file_no: int,
) -> int:
    """Insert a Parquet file's rows into raw, in the caller's transaction; how many. May raise duckdb.Error."""
    cells = parquet_cells(header, types, decimal_mark)
    row = connection.execute(
        f"""
        INSERT INTO raw."{header.entity.name}"
        SELECT $file_no, record_number, {_raw_columns(header, cells)} FROM {parquet_relation(header)}
        """,
        {"file_no": file_no, "file": str(path)},
    ).fetchone()
    return int(row[0]) if row else 0
