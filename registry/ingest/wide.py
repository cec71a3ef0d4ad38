"""Records into numbered rows of raw: one each of a long file, one each filled test cell of a wide one.

A row is known by file and number everywhere, so the cells of a wide file are numbered: with n columns of tests the
cell in the p-th of them of record r is row (r - 1) * n + p; the ledger keeps n, to lead back to the record.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Protocol

from registry.contract import BLANKS
from registry.ingest.header import Header
from registry.ingest.moment import moment
from registry.ingest.records import Record
from registry.site_profile import SiteProfile
from registry.vocabulary import folded_word
from registry.wide_profile import COMPOSED_KEY, WideTable, WideTest

Row = tuple[int, Record]


class Rows(Protocol):
    """How the records of one file become rows: their columns, and the rows of successive records."""

    header: Header
    cancelled: Collection[str]
    """The words, folded, by which the site takes a record back."""

    def of(self, records: Iterable[Record]) -> Iterator[Row]:
        """The rows of the next records, with their numbers in the file."""

    def begin_sheet(self) -> None:
        """What follows stands on another sheet: nothing stands above it."""


def rows_of(header: Header, profile: SiteProfile) -> Rows:
    """How a file with this header becomes rows."""
    table = profile.wide_table(header.entity.name)
    if table and header.tests:
        return _Draws(header, table, profile)
    return _Results(header, profile.cancelled_words)


class _Results:
    """A long file: a record is a row."""

    def __init__(self, header: Header, cancelled: Collection[str]) -> None:
        self.header = header
        self.cancelled = cancelled
        self._n_records = 0

    def of(self, records: Iterable[Record]) -> Iterator[Row]:
        for record in records:
            self._n_records += 1
            yield self._n_records, record

    def begin_sheet(self) -> None:
        pass


class _Draws:
    """A wide file: each filled cell of a test is a row.

    A record without any is one row, its first test's value blank, under the draw's own key: nothing is lost, and no
    result's place is taken. A cancelled record takes all its tests back, filled or not.
    """

    def __init__(self, header: Header, table: WideTable, profile: SiteProfile) -> None:
        entity = header.entity
        self.cancelled: Collection[str] = profile.cancelled_words
        self._missing = profile.missing_words
        self.header = Header(
            entity,
            (*entity.columns, *(name for _, name in header.unknown)),
            (*entity.columns, *(None for _ in header.unknown)),
        )
        self._columns = [(position, column) for position, column in enumerate(header.targets) if column]
        self._unknown = [position for position, _ in header.unknown]
        self._has_own_key = entity.key in header.targets
        self._tests = [(position, header.names[position], test) for position, test in header.tests]
        self._carry_down = [column for column in table.carry_down if column in header.targets]
        self._date_formats = tuple(text.replace("%-", "%") for text in profile.csv.date_formats)
        self._n_records = 0
        self._above: dict[str, str] = {}

    def begin_sheet(self) -> None:
        self._above = {}

    def of(self, records: Iterable[Record]) -> Iterator[Row]:
        for record in records:
            first = self._n_records * len(self._tests) + 1
            self._n_records += 1
            if record.cells is None:
                self._above = {}  # it may have named the next patient: what follows is not given to the one before
                yield first, record
            else:
                yield from self._cells(record.cells, first)

    def _cells(self, sent: list[str], first: int) -> Iterator[Row]:
        draw = {column: sent[position] for position, column in self._columns}
        self._take_from_above(draw)
        unknown = [sent[position] for position in self._unknown]
        key = self._draw_key(draw)
        is_cancelled = folded_word(draw.get("status", "")) in self.cancelled
        filled = [
            (number, test)
            for number, test in enumerate(self._tests)
            if is_cancelled or self._holds_value(sent[test[0]])
        ]
        for number, (position, name, test) in filled:
            row = self._row(draw, name, test, sent[position], key and f"{key}/{self._code(test)}")
            yield first + number, Record([*row, *unknown])
        if not filled:
            _, name, test = self._tests[0]
            yield first, Record([*self._row(draw, name, test, "", key), *unknown])

    def _holds_value(self, cell: str) -> bool:
        text = cell.strip(BLANKS)
        return bool(text) and text.lower() not in self._missing

    def _take_from_above(self, draw: dict[str, str]) -> None:
        """Fill the blanks that mean "as above", but nothing of one patient's from another's."""
        patient = draw.get("patient_id", "").strip(BLANKS)
        if patient and patient != self._above.get("patient_id", "").strip(BLANKS):
            self._above = {}
        for column in self._carry_down:
            if not draw[column].strip(BLANKS):
                draw[column] = self._above.get(column, "")
        self._above = {column: draw.get(column, "") for column in ("patient_id", *self._carry_down)}

    def _draw_key(self, draw: dict[str, str]) -> str:
        """What the results of a draw share in their keys; "" where it can't be known again."""
        if self._has_own_key:
            return draw[self.header.entity.key].strip(BLANKS)
        parts = {column: draw.get(column, "").strip(BLANKS) for column in COMPOSED_KEY}
        if not parts["patient_id"] or not parts["collected_at"]:
            return ""
        parts["collected_at"] = moment(parts["collected_at"], self._date_formats)
        return "/".join(_escaped(part) for part in parts.values() if part)

    def _code(self, test: WideTest) -> str:
        return test.code if self._has_own_key else _escaped(test.code)

    def _row(self, draw: dict[str, str], name: str, test: WideTest, value: str, key: str) -> list[str]:
        said = {self.header.entity.key: key, "test_code": test.code, "test_name": name, "value": value}
        cells = draw | said | {"unit": test.unit}
        return [cells.get(column, "") for column in self.header.entity.columns]


def _escaped(part: str) -> str:
    """Part of a key that "/" joins, so that different parts never make one key."""
    return part.replace("\\", "\\\\").replace("/", "\\/")
