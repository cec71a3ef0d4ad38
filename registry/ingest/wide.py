"""Turn records into numbered rows of raw: one for each record of a long file, or each filled test cell of a wide one.

File and number identify a row everywhere, so the cells of a wide file are numbered: with n test columns, the cell in
the p-th of them in record r is row (r - 1) * n + p. The ledger keeps n, so that a row can be traced to its record.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from typing import Protocol

from registry.config.input_contract import BLANKS, IGNORE, TIMED_COLUMNS, is_sheet_error
from registry.config.site import SiteProfile
from registry.config.terminology import folded_word
from registry.config.wide_layout import COMPOSED_KEY, WideTable, WideTest
from registry.ingest.composed_key import KeyComposer, escaped
from registry.ingest.header import Header
from registry.ingest.records import Record
from registry.ingest.split_time import joined

Row = tuple[int, Record]


class Rows(Protocol):
    """Turns the records of one file into rows."""

    header: Header
    cancelled: Collection[str]
    """The folded words with which the site cancels a record."""

    def of(self, records: Iterable[Record]) -> Iterator[Row]:
        """The rows of the next records, numbered within the file."""

    def begin_sheet(self) -> None:
        """Start another sheet: nothing is carried down from the previous one."""


def rows_of(header: Header, profile: SiteProfile, midnight_is_a_day: bool = False) -> Rows:
    """The `Rows` for a file with this header. `midnight_is_a_day`: see KeyComposer."""
    table = profile.wide_table(header.entity.name)
    keys = KeyComposer(header.entity, profile, midnight_is_a_day)
    if table and header.tests:
        return _Draws(header, table, profile, keys)
    if header.is_cell_by_cell:
        return _Results(header, profile.cancelled_words)
    return _Composed(header, profile, keys)


class _Results:
    """A long file: each record is a row."""

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


class _Cells:
    """The cells of one file's records by column of the contract, and the rows made from them."""

    def __init__(self, header: Header, missing: Collection[str]) -> None:
        self._columns = [(position, column) for position, column in enumerate(header.targets) if column]
        self._timed = [column for column in TIMED_COLUMNS.get(header.entity.name, ()) if column not in header.targets]
        self._contract = header.entity.columns
        self._kept_apart = [position for position, _ in header.kept_apart]
        n_ignored = header.targets.count(IGNORE)
        self._nothing = [""] * n_ignored
        names = [name for _, name in header.kept_apart]
        self.header = replace(
            header,
            names=(*self._contract, *names, *[IGNORE] * n_ignored),
            targets=(*self._contract, *[None] * len(names), *[IGNORE] * n_ignored),
            tests=(),
        )
        self._missing = missing

    def of(self, sent: list[str]) -> dict[str, str]:
        """A record's cells by column, with a time still in parts."""
        return {column: sent[position] for position, column in self._columns}

    def join_times(self, cells: dict[str, str]) -> None:
        """Join the parts of each time into one column."""
        for column in self._timed:
            date, time = (cells.get(f"{column}.{part}", "") for part in ("date", "time"))
            cells[column] = joined("" if self.is_blank(date) else date, "" if self.is_blank(time) else time)

    def is_blank(self, cell: str) -> bool:
        """Does a cell have no value?"""
        text = cell.strip(BLANKS)
        return not text or text.lower() in self._missing

    def row(self, cells: dict[str, str], sent: list[str]) -> Record:
        """A row of raw: the contract's columns, then those kept under the site's own headers."""
        known = [cells.get(column, "") for column in self._contract]
        return Record([*known, *(sent[position] for position in self._kept_apart), *self._nothing])


class _Composed(_Results):
    """A long file with a column made of others: a missing key, or a time in two parts."""

    def __init__(self, header: Header, profile: SiteProfile, keys: KeyComposer) -> None:
        self._cells = _Cells(header, profile.missing_words)
        super().__init__(self._cells.header, profile.cancelled_words)
        self._keys = keys
        self._key = header.entity.key
        self._key_columns = profile.composed_key(header.entity.name) if header.is_key_composed else ()

    def of(self, records: Iterable[Record]) -> Iterator[Row]:
        for number, record in super().of(records):
            yield number, record if record.cells is None else self._row(record.cells)

    def _row(self, sent: list[str]) -> Record:
        cells = self._cells.of(sent)
        self._cells.join_times(cells)
        if self._key_columns:
            key = self._keys.joined(cells, self._key_columns)
            cells[self._key] = self._keys.numbered(key, cells, self._key_columns)
        return self._cells.row(cells, sent)


class _Draws:
    """A wide file: each filled cell of a test is a row.

    A record without any becomes one row with the draw's own key and a blank value of the first test, so that nothing is
    lost and no result replaced. A cancelled record cancels all its tests, filled or not.
    """

    def __init__(self, header: Header, table: WideTable, profile: SiteProfile, keys: KeyComposer) -> None:
        self.cancelled: Collection[str] = profile.cancelled_words
        self._cells = _Cells(header, profile.missing_words)
        self.header = self._cells.header
        self._has_own_key = not header.is_key_composed
        self._keys = keys
        self._tests = [(position, header.names[position], test) for position, test in header.tests]
        self._carry_down = [
            sorted(target for target in header.targets if target and target.partition(".")[0] == column)
            for column in table.carry_down
        ]
        self._n_records = 0
        self._above: dict[str, str] = {}

    def begin_sheet(self) -> None:
        self._above = {}

    def of(self, records: Iterable[Record]) -> Iterator[Row]:
        for record in records:
            first = self._n_records * len(self._tests) + 1
            self._n_records += 1
            if record.cells is None:
                self._above = {}  # it may have named the next patient, so nothing is carried past it
                yield first, record
            else:
                yield from self._results(record.cells, first)

    def _results(self, sent: list[str], first: int) -> Iterator[Row]:
        draw = self._cells.of(sent)
        self._take_from_above(draw)
        self._cells.join_times(draw)
        key = self._draw_key(draw)
        is_cancelled = folded_word(draw.get("status", "")) in self.cancelled
        filled = [
            (number, test)
            for number, test in enumerate(self._tests)
            if is_cancelled or not self._cells.is_blank(sent[test[0]])
        ]
        for number, (position, name, test) in filled:
            own_key = key and f"{key}/{self._code(test)}"
            result = self._result(draw, name, test, sent[position], own_key)
            if not self._has_own_key:
                result[self.header.entity.key] = self._keys.numbered(own_key, result, COMPOSED_KEY)
            yield first + number, self._cells.row(result, sent)
        if not filled:
            _, name, test = self._tests[0]
            yield first, self._cells.row(self._result(draw, name, test, "", key), sent)

    def _take_from_above(self, draw: dict[str, str]) -> None:
        """Fill the blanks that mean "as above", but never from another patient."""
        patient = draw.get("patient_id", "").strip(BLANKS)
        if patient and patient != self._above.get("patient_id", "").strip(BLANKS):
            self._above = {}
        for columns in self._carry_down:
            if columns and not draw[columns[0]].strip(BLANKS):
                draw |= {column: self._above.get(column, "") for column in columns if not draw[column].strip(BLANKS)}
        carried = [column for columns in self._carry_down for column in columns]
        self._above = {column: draw.get(column, "") for column in ("patient_id", *carried)}

    def _draw_key(self, draw: dict[str, str]) -> str:
        """The part of the keys that the results of a draw share; "" if it can't be determined."""
        columns = (self.header.entity.key,) if self._has_own_key else COMPOSED_KEY
        sent = {column: draw.get(column, "") for column in columns}
        parts = {column: "" if self._cells.is_blank(cell) else cell.strip(BLANKS) for column, cell in sent.items()}
        if any(map(is_sheet_error, parts.values())):
            return ""
        if self._has_own_key:
            return parts[self.header.entity.key]
        if not parts["patient_id"] or not parts["collected_at"]:
            return ""
        parts["collected_at"] = self._keys.moment(parts["collected_at"])
        return "/".join(escaped(part) for part in parts.values() if part)

    def _code(self, test: WideTest) -> str:
        return test.code if self._has_own_key else escaped(test.code)

    def _result(self, draw: dict[str, str], name: str, test: WideTest, value: str, key: str) -> dict[str, str]:
        said = {self.header.entity.key: key, "test_code": test.code, "test_name": name, "value": value}
        return draw | said | {"unit": test.unit}
