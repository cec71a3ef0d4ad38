"""Read the tables of an export as rows of text: one per CSV and Parquet file, one per sheet of a workbook.

Rows are the same as in a load. Nothing here interprets them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice

import duckdb

from registry.errors import UserError
from registry.ingest.excel_cells import cell_text
from registry.ingest.parquet import unreadable
from registry.ingest.records import Dialect, RecordReader, first_record
from registry.ingest.sheet import Sheet, open_workbook
from registry.ingest.stream import TextStream
from registry.ingest.surplus import WITH_DECIMALS, with_surplus
from registry.profile.files import ExportFile
from registry.profile.header_names import COLUMN_NAMES, folded_forms
from registry.profile.recognise import named_test
from registry.profile.text_dialect import Encoding, find_delimiter, find_encoding, first_records

HEADER_WITHIN = 20
"""The header must be among this many records from the top."""
_SEPARATOR_LINE = re.compile(r'"?sep=.\r?\n?"?', re.IGNORECASE)
_BATCH = 10_000

Row = list[str]


class Typed(str):
    """A cell that its file stores as a number or date: not evidence of how the site writes text."""

    __slots__ = ()


@dataclass(frozen=True)
class Table:
    """One table of one file.

    `first`: its first records as they are, of any width. `rows(skip)`: the records after the first `skip`, with as many
    cells as `first[skip - 1]` has up to its last name, or None for a record that does not match.
    """

    file: ExportFile
    first: tuple[tuple[str, ...], ...]
    rows: Callable[[int], Iterator[Row | None]]
    sheet: int | None = None
    encoding: Encoding | None = None
    delimiter: str | None = None
    has_separator_line: bool = False

    @property
    def where(self) -> str:
        """Its name in messages."""
        return self.file.name if self.sheet is None else f"{self.file.name}, sheet {self.sheet}"


def read_tables(file: ExportFile) -> list[Table]:
    """Every non-empty table of one file. Raises UserError if the file can't be read."""
    if file.format == "xlsx":
        return _workbook_tables(file)
    return [_parquet_table(file) if file.format == "parquet" else _csv_table(file)]


def _csv_table(file: ExportFile) -> Table:
    encoding = find_encoding(file.path, file.name)
    name = encoding.name or "utf-8"
    with TextStream(file.path, name, file.name) as stream:
        text, line_end = stream.first_text(), stream.line_end
    separator = _SEPARATOR_LINE.match(text)
    delimiter = find_delimiter(text[separator.end() :] if separator else text, line_end)
    first = first_records(text, delimiter or ",", line_end, HEADER_WITHIN + 1)
    if not first:
        raise UserError(f"{file.name}: the file is empty and has no header: send it again")
    return Table(
        file=file,
        first=tuple(map(tuple, first)),
        rows=partial(_csv_rows, file, name, delimiter or ",", first),
        encoding=encoding,
        delimiter=delimiter,
        has_separator_line=separator is not None,
    )


def _csv_rows(
    file: ExportFile, encoding: str, delimiter: str, first: Sequence[Sequence[str]], skip: int
) -> Iterator[Row | None]:
    header = [cell.strip() for cell in first[skip - 1]]
    width = max((position for position, name in enumerate(header, start=1) if name), default=len(header))
    with TextStream(file.path, encoding, file.name) as stream:
        lead = _lead(stream.first_text(), delimiter, stream.line_end, skip)
        stream.skip(lead)
        dialect = Dialect(delimiter, stream.line_end, width, len(header) - width)
        numbers = [p for p, name in enumerate(header[:width]) if _may_hold_decimals(name)]
        reader = RecordReader(with_surplus(dialect, file.path, encoding, lead, numbers, file.name), file.name)
        rest = b""
        for piece, is_last in stream.pieces():
            for record in reader.records(stream.decode(rest + piece), is_last):
                yield record.cells
            rest = stream.encode(reader.rest)


def _may_hold_decimals(header: str) -> bool:
    """Is this the header of a column of numbers, or of a test of a wide table?"""
    names = {name for columns in COLUMN_NAMES.values() for column in WITH_DECIMALS for name in columns.get(column, ())}
    return not names.isdisjoint(folded_forms(header)) or named_test(header) is not None


def _lead(text: str, delimiter: str, line_end: str, n_records: int) -> str:
    """The text of the first `n_records` records."""
    position = 0
    for _ in range(n_records):
        first = first_record(text[position:], delimiter, line_end)
        position += first[1] if first else 0
    return text[:position]


def _workbook_tables(file: ExportFile) -> list[Table]:
    sheets = open_workbook(file.path.read_bytes(), file.name)
    tables = []
    for sheet in sheets:
        first = list(islice(_sheet_rows(sheet), HEADER_WITHIN + 1))
        if first:
            rows = partial(_rows_below, partial(_sheet_rows, sheet))
            tables.append(Table(file, tuple(map(tuple, first)), rows, sheet=sheet.number if len(sheets) > 1 else None))
    if not tables:
        raise UserError(f"{file.name}: the workbook is empty and has no header: send it again")
    return tables


def _sheet_rows(sheet: Sheet) -> Iterator[Row]:
    for row in sheet.rows():
        cells: Row = [
            cell if isinstance(cell, str) and not special else Typed(cell_text(cell, ".", special))
            for cell, special in row
        ]
        if any(cell.strip() for cell in cells):
            yield cells


def _rows_below(rows: Callable[[], Iterator[Row]], skip: int) -> Iterator[Row | None]:
    yield from islice(rows(), skip, None)


def _parquet_table(file: ExportFile) -> Table:
    first = list(islice(_parquet_rows(file), HEADER_WITHIN + 1))
    return Table(file, tuple(map(tuple, first)), partial(_rows_below, partial(_parquet_rows, file)))


def _parquet_rows(file: ExportFile) -> Iterator[Row]:
    """The header, then the rows, read by DuckDB in batches; cells that are not text in the file are `Typed`."""
    with duckdb.connect(config={"temp_directory": ""}) as connection:  # never spill rows as sent
        try:
            source = "read_parquet($file, binary_as_string = true)"
            described = connection.execute(f"DESCRIBE SELECT * FROM {source}", {"file": str(file.path)}).fetchall()
            yield [str(column[0]) for column in described]
            is_text = [column[1] == "VARCHAR" for column in described]
            connection.execute(f"SELECT CAST(COLUMNS(*) AS VARCHAR) FROM {source}", {"file": str(file.path)})
            while batch := connection.fetchmany(_BATCH):
                for row in batch:
                    yield [
                        "" if cell is None else cell if text else Typed(cell)
                        for cell, text in zip(row, is_text, strict=True)
                    ]
        except duckdb.Error:
            raise unreadable(file.name) from None
