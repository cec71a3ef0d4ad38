"""Read the sheets of an Excel workbook that contain one entity, with their cells as text.

There may be titles above the header. All sheets with a matching header are read as one table, in the order of the
workbook: columns are matched by name, and records are numbered across sheets. Hidden sheets, rows and columns are read
like visible ones, because they were sent. registry/ingest/excel_cells.py converts the cells.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from registry.config.input_contract import FORMULA, IGNORE, Entity, is_sheet_error
from registry.config.terminology import folded_header
from registry.errors import UserError
from registry.ingest.excel_cells import cell_text
from registry.ingest.header import Header, Tests, check_parts, check_wide, is_header, read_header
from registry.ingest.records import Record
from registry.ingest.sheet import Sheet

_ROWS_TO_HEADER = 50
"""The header must be among this many non-empty rows."""


@dataclass(frozen=True)
class Workbook:
    """The columns of all matching sheets, their records sheet by sheet, and the numbers (1 = first) of other sheets.

    Empty sheets and charts are not counted.
    """

    header: Header
    sheets: tuple[Iterator[Record], ...]
    unread_sheets: tuple[int, ...]


def read_workbook(
    sheets: Sequence[Sheet],
    entity: Entity,
    own_names: dict[str, str],
    tests: Tests,
    key: Sequence[str],
    decimal_mark: str,
    where: str,
) -> Workbook:
    """Every sheet that has a header: a row with the key column or all of `key`, or a patient and tests of a wide table.

    Raises UserError if no sheet has one.
    """
    tables = [_Table(sheet, decimal_mark) for sheet in sheets]
    filled = [table for table in tables if next(table.rows(), None)]
    fitting = [sheet for sheet in filled if sheet.find_header(entity, own_names, tests, 2, key)] or [
        sheet for sheet in filled if sheet.find_header(entity, own_names, tests, 1, key)
    ]
    if not fitting:
        top = (cells for sheet in filled for cells in islice(sheet.rows(), _ROWS_TO_HEADER))
        raise UserError(
            _no_header(entity, where, bool(filled), bool(tests)) + _of_formulas(any(FORMULA in c for c in top))
        )
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
        return f"{where}: the workbook is empty and has no header: send it again"
    wide = ", or the tests of a wide table" if has_tests else ""
    composed = (
        f"; if it has no key, site.yml can compose one (keys: {entity.name}: [...])"
        if entity.name != "patients"
        else ""
    )
    return (
        f"{where}: no sheet has the column {entity.key} within its first {_ROWS_TO_HEADER} rows; put the header "
        f"there, or name the site's own columns{wide} in site.yml (columns: {entity.name}: ...)"
        f"{composed}"
    )


def _of_formulas(are_any: bool) -> str:
    return "; some cells are formulas without a stored value: save it in a spreadsheet program" if are_any else ""


class _Table:
    """One sheet: rows as text, with the header once `find_header` has found it."""

    def __init__(self, sheet: Sheet, decimal_mark: str) -> None:
        self.number = sheet.number
        self._sheet = sheet
        self._decimal_mark = decimal_mark
        self._n_above = 0
        self._columns: list[int] = []
        self._names: list[str] = []
        self._read: set[int] = set()

    def rows(self) -> Iterator[list[str]]:
        """The rows that are not empty."""
        for row in self._sheet.rows():
            cells = [cell_text(cell, self._decimal_mark, special) for cell, special in row]
            if any(cell.strip() for cell in cells):
                yield cells

    def find_header(
        self, entity: Entity, own_names: dict[str, str], tests: Tests, n_columns: int, key: Sequence[str]
    ) -> bool:
        """Is there a header? Columns with neither a name nor a cell are left out of it."""
        for n_above, cells in enumerate(islice(self.rows(), _ROWS_TO_HEADER)):
            if is_header(entity, cells, own_names, tests, n_columns, key):
                self._n_above = n_above
                named = [place for place, cell in enumerate(cells) if cell.strip()]
                nameless = set(range(named[-1])) - set(named)
                used = (
                    {place for row in self._body() for place in nameless if self._holds(row, place)} if nameless else ()
                )
                self._columns = sorted({*named, *used})
                self._names = [cells[place] if place in named else f"column {place + 1}" for place in self._columns]
                return True
        return False

    def header(self, entity: Entity, own_names: dict[str, str], tests: Tests, where: str, key: Sequence[str]) -> Header:
        """The columns found. Raises UserError if they conflict."""
        where = f"{where}, sheet {self.number}"
        for place, name in zip(self._columns, self._names, strict=True):
            if is_sheet_error(name):
                raise UserError(
                    f"{where}: the header of column {place + 1} is an error, or a formula without a stored value: "
                    "enter its name there, or save the workbook once in a spreadsheet program"
                )
        header = read_header(entity, self._names, own_names, where, tests, key)
        tests_at = {position for position, _ in header.tests}
        self._read = {
            self._columns[p]
            for p, target in enumerate(header.targets)
            if (target and target != IGNORE) or p in tests_at
        }
        return header

    def records(self, places: Sequence[int], width: int) -> Iterator[Record]:
        """The rows below the header, with `width` cells each; a cell outside the table makes its row malformed."""
        beyond = self._columns[-1] + 1
        for row in self._body():
            if any(self._holds(row, place) for place in range(beyond, len(row))):
                yield Record(None, "\t".join(row))
                continue
            cells = [""] * width
            for column, place in zip(self._columns, places, strict=True):
                cells[place] = row[column]
            yield Record(cells)

    def _body(self) -> Iterator[list[str]]:
        """The rows below the header that are not empty."""
        for row in islice(self.rows(), self._n_above + 1, None):
            if any(self._holds(row, place) for place in range(len(row))):
                yield row

    def _holds(self, row: Sequence[str], place: int) -> bool:
        """Is the cell filled? An error, or a formula without a value, counts only in a column that is read."""
        return bool(row[place].strip()) and (place in self._read or not is_sheet_error(row[place]))


def _identity(header: Header, position: int) -> str:
    """Identity of a column across sheets: its meaning, else its name."""
    codes: Mapping[int, str] = {at: f"\0{test.code}" for at, test in header.tests}
    target = header.targets[position]
    own = None if target == IGNORE else target
    return own or codes.get(position) or f"\1{folded_header(header.names[position])}"


def _united(headers: Sequence[Header]) -> Header:
    """The columns of all sheets, in order of first appearance."""
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
    """The position of each column of one sheet among the columns of all."""
    place = {_identity(united, position): position for position in range(united.width)}
    return [place[_identity(own, position)] for position in range(own.width)]
