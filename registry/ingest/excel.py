"""The sheets of an Excel workbook that hold one entity, their typed cells as text.

Above the header titles may stand. Every sheet with a header that fits is read, in the order of the workbook, as one
table: columns are brought together by their names, records are numbered on. Hidden sheets, rows and columns are read
like visible ones: they were sent. What a cell becomes is registry/ingest/excel_cells.py's.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from registry.contract import IGNORE, Entity
from registry.errors import UserError
from registry.ingest.bounds import UNREADABLE, check_workbook
from registry.ingest.excel_cells import SpecialCells, cell_text, special_cells
from registry.ingest.header import Header, Tests, check_parts, check_wide, is_header, read_header
from registry.ingest.records import Record

_ROWS_TO_HEADER = 50
"""Rows that are not empty within which the header stands."""


@dataclass(frozen=True)
class Workbook:
    """The columns of all sheets that fit, their records sheet by sheet, and the numbers (1 = first) of the others.

    An empty sheet and a chart hold nothing and are not counted.
    """

    header: Header
    sheets: tuple[Iterator[Record], ...]
    unread_sheets: tuple[int, ...]


def read_workbook(
    data: bytes,
    entity: Entity,
    own_names: dict[str, str],
    tests: Tests,
    key: Sequence[str],
    decimal_mark: str,
    where: str,
) -> Workbook:
    """Every sheet that has a header: a row with the key column or all of `key`, or a patient and tests of a wide table.

    UserError where the workbook can't be read, or no sheet fits.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as book:
            check_workbook(book, where)
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(data))
        special = special_cells(data)
        sheets = [
            _Sheet(number, workbook.get_sheet_by_index(number - 1), special.get(number, {}), decimal_mark)
            for number in range(1, len(workbook.sheet_names) + 1)
        ]
    except (CalamineError, OSError, ValueError, KeyError, *UNREADABLE):
        raise UserError(
            f"{where}: not a readable Excel workbook: damaged, cut off or protected; save it again as .xlsx"
        ) from None
    filled = [sheet for sheet in sheets if next(sheet.rows(), None)]
    fitting = [sheet for sheet in filled if sheet.find_header(entity, own_names, tests, 2, key)] or [
        sheet for sheet in filled if sheet.find_header(entity, own_names, tests, 1, key)
    ]
    if not fitting:
        raise UserError(_no_header(entity, where, bool(filled), bool(tests)))
    headers = [sheet.header(entity, own_names, tests, where, key) for sheet in fitting]
    header = _united(headers)
    check_wide(header, where)
    check_parts(header, where)
    return Workbook(
        header,
        tuple(sheet.records(_places(own, header), header.width) for sheet, own in zip(fitting, headers, strict=True)),
        tuple(sheet.number for sheet in filled if sheet not in fitting),
    )


def _no_header(entity: Entity, where: str, has_cells: bool, has_tests: bool) -> str:
    if not has_cells:
        return f"{where}: empty, without even a header: send it again"
    wide = ", or the tests of a wide table" if has_tests else ""
    composed = (
        f"; if it has no key, site.yml can compose one (keys: {entity.name}: [...])"
        if entity.name != "patients"
        else ""
    )
    return (
        f"{where}: no sheet with the column {entity.key} within its first {_ROWS_TO_HEADER} rows; put the header "
        f"there, or name the site's own columns{wide} in site.yml (columns: {entity.name}: ...)"
        f"{composed}"
    )


class _Sheet:
    """One sheet: rows as text, with the header once `find_header` has found it."""

    def __init__(self, number: int, sheet: CalamineSheet, special: SpecialCells, decimal_mark: str) -> None:
        self.number = number
        self._sheet = sheet
        self._special = special
        self._first_column = sheet.start[1] if sheet.start else 0
        self._decimal_mark = decimal_mark
        self._n_above = 0
        self._columns: list[int] = []
        self._names: list[str] = []

    def rows(self) -> Iterator[list[str]]:
        """The rows that are not empty."""
        for number, row in enumerate(self._sheet.iter_rows()):
            cells = [
                cell_text(cell, self._decimal_mark, self._special.get((number, self._first_column + place)))
                for place, cell in enumerate(row)
            ]
            if any(cell.strip() for cell in cells):
                yield cells

    def find_header(
        self, entity: Entity, own_names: dict[str, str], tests: Tests, n_columns: int, key: Sequence[str]
    ) -> bool:
        """Is there a header? Columns that have neither name nor cell are left out of it."""
        for n_above, cells in enumerate(islice(self.rows(), _ROWS_TO_HEADER)):
            if is_header(entity, cells, own_names, tests, n_columns, key):
                self._n_above = n_above
                named = [place for place, cell in enumerate(cells) if cell.strip()]
                nameless = set(range(named[-1])) - set(named)
                used = {place for row in self._body() for place in nameless if row[place].strip()} if nameless else ()
                self._columns = sorted({*named, *used})
                self._names = [cells[place] if place in named else f"column {place + 1}" for place in self._columns]
                return True
        return False

    def header(self, entity: Entity, own_names: dict[str, str], tests: Tests, where: str, key: Sequence[str]) -> Header:
        """The columns found; UserError where they don't fit together."""
        return read_header(entity, self._names, own_names, f"{where}, sheet {self.number}", tests, key)

    def records(self, places: Sequence[int], width: int) -> Iterator[Record]:
        """The rows below the header, each cell at its place among `width`; a cell beside the table spoils its row."""
        beyond = self._columns[-1] + 1
        for row in self._body():
            if any(cell.strip() for cell in row[beyond:]):
                yield Record(None, "\t".join(row))
                continue
            cells = [""] * width
            for column, place in zip(self._columns, places, strict=True):
                cells[place] = row[column]
            yield Record(cells)

    def _body(self) -> Iterator[list[str]]:
        return islice(self.rows(), self._n_above + 1, None)


def _identity(header: Header, position: int) -> str:
    """What makes columns of two sheets the same: what they mean, else their name."""
    codes: Mapping[int, str] = {at: f"\0{test.code}" for at, test in header.tests}
    target = header.targets[position]
    own = None if target == IGNORE else target
    return own or codes.get(position) or f"\1{header.names[position].casefold()}"


def _united(headers: Sequence[Header]) -> Header:
    """The columns of all sheets, in the order in which they first come."""
    first: dict[str, tuple[Header, int]] = {}
    for header in headers:
        for position in range(header.width):
            first.setdefault(_identity(header, position), (header, position))
    found = list(first.values())
    tests = [(place, dict(header.tests).get(position)) for place, (header, position) in enumerate(found)]
    return Header(
        headers[0].entity,
        tuple(header.names[position] for header, position in found),
        tuple(header.targets[position] for header, position in found),
        tuple((place, test) for place, test in tests if test),
    )


def _places(own: Header, united: Header) -> list[int]:
    """Where each column of one sheet stands in the columns of all."""
    place = {_identity(united, position): position for position in range(united.width)}
    return [place[_identity(own, position)] for position in range(own.width)]
