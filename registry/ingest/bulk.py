"""The fast ways into raw: DuckDB reads pieces of plain CSV, or a Parquet file, by itself.

A piece is plain where each of its lines is one good record. What is not so is left to registry/ingest/records.py,
which reads plain text the same way (a property test holds both to it) and knows what to do with the rest.
"""

from __future__ import annotations

import codecs
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from registry.config.input_contract import raw_columns
from registry.ingest.header import Header
from registry.ingest.parquet import parquet_cells, parquet_relation
from registry.ingest.records import MAX_RECORD, Dialect, Record
from registry.system.sql import literal


def _raw_columns(header: Header, cells: Sequence[str]) -> str:
    """SQL of the contract's columns, extra and malformed; `cells` holds each delivered column's SQL."""
    known = [
        "NULL" if (position := header.position(column)) is None else cells[position] for column in header.entity.columns
    ]
    extra = "NULL"
    if header.unknown:
        names = ", ".join(literal(name) for _, name in header.unknown)
        values = ", ".join(cells[position] for position, _ in header.unknown)
        extra = f"map([{names}], [{values}])"
    return ", ".join([*known, extra, "NULL"])


class NotPlainError(Exception):
    """DuckDB found other records than there are lines."""


@dataclass(frozen=True)
class PlainPiece:
    """CSV text of one record a line. `odd` are the records that a stand-in line holds the place of."""

    data: bytes
    n_records: int
    odd: Sequence[tuple[int, Record]] = ()


def count_lines(data: bytes) -> int:
    """Lines of a piece, empty ones at its end apart."""
    end = len(data)
    while end and data[end - 1] in b"\r\n":
        end -= 1
    return _count(data, b"\n", end) + 1 if end else 0


def _count(data: bytes, byte: bytes, end: int | None = None) -> int:
    """`data.count(byte)` before `end`, several times quicker for a byte that is everywhere."""
    import numpy as np  # here: half the commands never need it

    return int(np.count_nonzero(np.frombuffer(data, np.uint8)[:end] == byte[0]))


def _any_blank_end(data: bytes, delimiter: bytes) -> bool:
    """Does any line end in a blank cell, as a record with too many does where DuckDB does not reject it?"""
    import numpy as np

    text = np.frombuffer(data, np.uint8)
    ends = np.append(np.flatnonzero(text == ord("\n")), len(text))
    ends -= text[ends - 1] == ord("\r")
    is_quoted = text[ends - 1] == ord('"')
    last, before = ends[~is_quoted], ends[is_quoted] - 2
    return bool((text[last - 1] == delimiter[0]).any() or (text[before[before > 0]] == ord('"')).any())


def _count_unquoted(data: bytes, delimiter: bytes) -> int | None:
    """Delimiters outside quotes; None where a quote is not at either end of a cell, or holds a line end."""
    import numpy as np

    text = np.frombuffer(data, np.uint8)
    quotes = np.flatnonzero(text == ord('"'))
    opening, closing = quotes[0::2], quotes[1::2]
    before, after = text[opening[opening > 0] - 1], text[closing[closing + 1 < len(text)] + 1]
    ends = np.zeros(256, bool)
    ends[list(b'"\r\n' + delimiter)] = True
    if len(quotes) % 2 or not ends[before].all() or not ends[after].all():
        return None
    if (np.searchsorted(quotes, np.flatnonzero(text == ord("\n"))) % 2).any():
        return None
    is_delimiter = text == delimiter[0]
    n_since_quotes = np.add.reduceat(is_delimiter, quotes, dtype=np.uint32)
    return int(np.count_nonzero(is_delimiter) - n_since_quotes[0::2].sum())


def _is_utf8(data: bytes) -> bool:
    try:
        return data.isascii() or bool(data.decode("utf-8"))
    except UnicodeDecodeError:
        return False


class CsvBulk:
    """Loads pieces of one CSV file by DuckDB, in the caller's transaction."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        folder: Path,
        header: Header,
        dialect: Dialect,
    ) -> None:
        self._stand_in_cell = f"stand-in {secrets.token_hex(16)}"
        self.stand_in = self._stand_in_cell + dialect.delimiter * (dialect.n_cells - 1)
        """A line that no file holds, for a record that is loaded otherwise."""
        self._connection = connection
        self._folder = folder
        self._header = header
        self._dialect = dialect

    def takes(self, data: bytes) -> bool:
        """Is every line of this piece one good record, as far as can be told at a glance?

        Not so where DuckDB (2.0) is known to differ from registry/ingest/records.py either: with several kinds of
        line end, a byte order mark at the start, and spaces around a quoted cell. It rejects records with too few
        cells, and lets those with too many blank ones pass: so all delimiters together are counted here, unless no line
        ends in a blank cell.
        """
        dialect = self._dialect
        if dialect.line_end != "\n" or data.startswith(codecs.BOM_UTF8) or not _is_utf8(data):
            return False
        returns = data.count(b"\r")
        if returns and not returns == data.count(b"\n") == data.count(b"\r\n"):
            return False
        delimiter = dialect.delimiter.encode()
        n_delimiters = count_lines(data) * (dialect.n_cells - 1)
        if b'"' not in data:
            return _count(data, delimiter) == n_delimiters
        if self._has_spaced_quotes(data):
            return False
        return not _any_blank_end(data, delimiter) or _count_unquoted(data, delimiter) == n_delimiters

    def _has_spaced_quotes(self, data: bytes) -> bool:
        if b' "' not in data and b'" ' not in data:
            return False
        mark = re.escape(self._dialect.delimiter.encode())
        around = rb'(?:^|[%b\r\n]) +"|" +(?:["%b\r\n]|$)' % (mark, mark)
        return re.search(around, data) is not None

    def load(self, pieces: Sequence[PlainPiece], file_no: int, first_record: int) -> int:
        """Rows loaded from successive pieces, one thread a piece; stand-ins count as records but are left out.

        Raises NotPlainError, or duckdb.Error with cells in its text; the transaction is then to be rolled back.
        """
        # A parallel read knows no record numbers, and numbering makes it serial. So each piece is read by one
        # thread, several at a time, and numbered from the lines before it, whose count is checked at the end.
        paths = [self._folder / f"piece_{number}.csv" for number in range(len(pieces))]
        branches, first = [], first_record
        try:
            for number, (path, piece) in enumerate(zip(paths, pieces, strict=True)):
                path.write_bytes(piece.data)
                branches.append(self._branch(number, path, file_no, first))
                first += piece.n_records
            n_rows = self._insert(branches) if branches else 0
        finally:
            for path in paths:
                path.unlink(missing_ok=True)
        if n_rows != first - first_record - sum(len(piece.odd) for piece in pieces):
            raise NotPlainError
        return n_rows

    def _branch(self, number: int, path: Path, file_no: int, first: int) -> str:
        columns = [f"c{position}" for position in range(self._dialect.n_cells)]
        filled = " OR ".join(f"{column} <> ''" for column in columns[self._header.width :])
        types = ", ".join(f"'{column}': 'VARCHAR'" for column in columns)
        return f"""
            SELECT {file_no}, {first} - 1 + line, {_raw_columns(self._header, columns)}
            FROM (SELECT row_number() OVER () AS line, * FROM read_csv(
                {literal(str(path))}, columns = {{{types}}}, auto_detect = false, header = false,
                delim = {literal(self._dialect.delimiter)}, quote = '"', escape = '"', nullstr = '',
                encoding = 'utf-8', strict_mode = true, null_padding = false, max_line_size = {MAX_RECORD},
                store_rejects = true, rejects_table = 'rejects_{number}', rejects_scan = 'scans_{number}',
                rejects_limit = 1
            ))
            WHERE c0 IS DISTINCT FROM {literal(self._stand_in_cell)}{f" AND ({filled}) IS NOT TRUE" if filled else ""}
        """

    def _insert(self, branches: Sequence[str]) -> int:
        """Insert the rows of all branches; how many, or -1 where DuckDB refused a record."""
        row = self._connection.execute(
            f'INSERT INTO raw."{self._header.entity.name}" ({raw_columns(self._header.entity)}) '
            + " UNION ALL ".join(branches)
        ).fetchone()
        n_rejected = 0
        for number in range(len(branches)):
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
        INSERT INTO raw."{header.entity.name}" ({raw_columns(header.entity)})
        SELECT $file_no, record_number, {_raw_columns(header, cells)} FROM {parquet_relation(header)}
        """,
        {"file_no": file_no, "file": str(path)},
    ).fetchone()
    return int(row[0]) if row else 0
