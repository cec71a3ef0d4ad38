"""The fast ways into raw: DuckDB reads a piece of well-formed CSV, or a Parquet file, by itself.

A piece that DuckDB rejects anything of is left to registry/ingest/records.py, which reads well-formed text
the same way (a property test holds both to it) and knows what to do with the rest.
"""

from __future__ import annotations

import codecs
import re
from pathlib import Path

import duckdb

from registry.ingest.header import Header
from registry.ingest.parquet import parquet_cells, parquet_relation
from registry.ingest.records import MAX_RECORD, Dialect

def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _raw_columns(header: Header, cells: list[str]) -> str:
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


def _is_plain(data: bytes, dialect: Dialect) -> bool:
    """May DuckDB read this piece? Not where it is known to differ from registry/ingest/records.py.

    That is (DuckDB 2.0) with several line ends in a piece, a byte order mark at its start, and spaces around a
    quoted cell, which it drops, keeps or takes for part of the cell.
    """
    if dialect.line_end != "\n" or data.startswith(codecs.BOM_UTF8):
        return False
    returns = data.count(b"\r")
    if returns and not returns == data.count(b"\n") == data.count(b"\r\n"):
        return False
    if b' "' not in data and b'" ' not in data:
        return True
    mark = re.escape(dialect.delimiter.encode())
    around = rb'(?:^|[%b\r\n]) +"|" +(?:["%b\r\n]|$)' % (mark, mark)
    return re.search(around, data) is None


def _n_lines(data: bytes) -> int:
    """Lines of a piece, empty ones at its end apart."""
    lines = data.rstrip(b"\r\n")
    return lines.count(b"\n") + 1 if lines else 0


class CsvBulk:
    """Loads pieces of one CSV file by DuckDB, in the caller's transaction.

    A parallel read knows no record numbers, and numbering it in flight would make it serial: a piece is first
    read into a temporary table, whose row ids then number it.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        folder: Path,
        header: Header,
        dialect: Dialect,
    ) -> None:
        self._connection = connection
        self._path = folder / "piece.csv"
        self._header = header
        self._dialect = dialect

    def load(self, data: bytes, file_no: int, first_record: int) -> int | None:
        """Rows loaded from a piece; None where not each of its lines is one good record: then nothing of it is.

        May raise duckdb.Error (with cells in its text), which ends the transaction.
        """
        lone_cell = self._header.width < 2  # where it is blank its line looks like no record
        if lone_cell or not _is_plain(data, self._dialect):
            return None
        self._path.write_bytes(data)
        try:
            is_whole = self._read() == _n_lines(data)
        finally:
            self._path.unlink()
        return self._insert(file_no, first_record) if is_whole else None

    def _read(self) -> int:
        """Read the piece into the temporary table `piece`; how many records DuckDB found good, -1 if one was not."""
        columns = ", ".join(f"'c{position}': 'VARCHAR'" for position in range(self._header.width))
        for table in ("piece", "piece_rejects", "piece_scans"):
            self._connection.execute(f"DROP TABLE IF EXISTS temp.{table}")
        self._connection.execute(
            f"""
            CREATE TEMP TABLE piece AS SELECT * FROM read_csv(
                $file, columns = {{{columns}}}, auto_detect = false, header = false,
                delim = {_quoted(self._dialect.delimiter)}, quote = '"', escape = '"',
                nullstr = '', encoding = 'utf-8', strict_mode = true, null_padding = false,
                max_line_size = {MAX_RECORD}, store_rejects = true, rejects_table = 'piece_rejects',
                rejects_scan = 'piece_scans', rejects_limit = 1
            )
            """,
            {"file": str(self._path)},
        )
        row = self._connection.execute(
            "SELECT if((SELECT count(*) FROM temp.piece_rejects) = 0, count(*), -1) FROM temp.piece"
        ).fetchone()
        return int(row[0]) if row else -1

    def _insert(self, file_no: int, first_record: int) -> int:
        cells = [f"c{position}" for position in range(self._header.width)]
        row = self._connection.execute(
            f"""
            INSERT INTO raw."{self._header.entity.name}"
            SELECT $file_no, rowid - origin + $first, {_raw_columns(self._header, cells)}
            FROM temp.piece, (SELECT min(rowid) AS origin FROM temp.piece)
            """,
            {"file_no": file_no, "first": first_record},
        ).fetchone()
        return int(row[0]) if row else 0


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
