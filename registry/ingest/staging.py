"""Staging between Python's readers and raw: one private CSV file that DuckDB can't misread.

Every cell is quoted, and the columns are the contract's, whatever the delivered files look like, so that one statement
loads many small files.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from registry.config.input_contract import CANCELLED, Entity, raw_columns
from registry.config.terminology import folded_word
from registry.ingest.header import Header
from registry.ingest.records import MAX_RECORD, Record

NOT_KEPT = "(not kept: the file has columns that must not be stored)"
"""Replaces a malformed record of such a file."""


@dataclass(frozen=True)
class Counts:
    """How many records of one file were staged."""

    n_rows: int = 0
    n_malformed: int = 0
    n_not_cancelled: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.n_rows + other.n_rows,
            self.n_malformed + other.n_malformed,
            self.n_not_cancelled + other.n_not_cancelled,
        )


class Staging:
    """A file of split records of one entity; `load` moves them into raw and empties it."""

    def __init__(self, folder: Path, entity: Entity) -> None:
        self._entity = entity
        self._path = folder / "staged.csv"
        self._file = self._path.open("w", encoding="utf-8", newline="")
        self._writer = csv.writer(self._file, quoting=csv.QUOTE_ALL, lineterminator="\n")

    @property
    def size(self) -> int:
        """Bytes staged so far (about)."""
        return self._file.tell()

    def __enter__(self) -> Staging:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)

    @contextmanager
    def whole_file(self) -> Iterator[None]:
        """Discard what was staged in this context if it raises."""
        start = self._file.tell()
        try:
            yield
        except BaseException:
            self._file.seek(start)
            self._file.truncate()
            raise

    def add(
        self,
        file_no: int,
        header: Header,
        records: Iterable[tuple[int, Record]],
        cancelled: Collection[str] = CANCELLED,
    ) -> Counts:
        """Stage numbered records of one file.

        cancelled: the folded words with which the site cancels a record.
        """
        positions = [header.position(column) for column in self._entity.columns]
        status = header.position("status")
        kept_apart = header.kept_apart
        nothing = [""] * (len(positions) + 1)
        n_rows = n_malformed = n_cancelled = 0
        write = self._writer.writerow
        for number, (cells, raw) in records:
            n_rows += 1
            if cells is None:
                n_malformed += 1
                write([file_no, number, *nothing, NOT_KEPT if header.has_ignored else raw])
                continue
            if status is not None and folded_word(cells[status]) in cancelled:
                n_cancelled += 1
            known = ["" if p is None else cells[p] for p in positions]
            extra = _extra(header, cells) if kept_apart else ""
            write([file_no, number, *known, extra, ""])
        return Counts(n_rows, n_malformed, n_rows - n_malformed - n_cancelled)

    def load(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Insert the staged records into raw, in the caller's transaction, and empty the file."""
        self._file.flush()
        if self._file.tell():
            names = ("file_no", "record_number", *self._entity.columns, "extra", "malformed")
            columns = ", ".join(f"'{name}': 'VARCHAR'" for name in names)
            selected = ", ".join(f'"{column}"' for column in self._entity.columns)
            connection.execute(
                f"""
                INSERT INTO raw."{self._entity.name}" ({raw_columns(self._entity)})
                SELECT CAST(file_no AS INTEGER), CAST(record_number AS BIGINT), {selected},
                    CAST(CAST(extra AS JSON) AS MAP(VARCHAR, VARCHAR)), malformed
                FROM read_csv(
                    $file, columns = {{{columns}}}, auto_detect = false, header = false, delim = ',',
                    quote = '"', escape = '"', new_line = '\\n', nullstr = '', encoding = 'utf-8',
                    max_line_size = {8 * MAX_RECORD}
                )
                """,
                {"file": str(self._path)},
            )
        self._file.seek(0)
        self._file.truncate()


def _extra(header: Header, cells: list[str]) -> str:
    """The cells kept under the site's own headers, as JSON; empty cells are null."""
    return json.dumps({name: cells[position] or None for position, name in header.kept_apart})
