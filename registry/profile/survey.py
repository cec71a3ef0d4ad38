"""Read an export once: identify its tables, then count every row. Memory use does not grow with the rows.

discretion.py decides which texts may be written, codes.py what they mean, render.py how they are presented.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from registry.config.input_contract import BLANKS, DATE_COLUMNS, ENTITIES
from registry.config.site_codes import WORD_COLUMNS
from registry.errors import UserError
from registry.profile.columns import (
    NUMBERS,
    ColumnCells,
    Matched,
    columns_named,
    guess_entity,
    match_columns,
    n_recognised,
    sample,
)
from registry.profile.dates import DateEvidence, read_date
from registry.profile.discretion import ColumnValues, Privacy
from registry.profile.files import Export, find_export
from registry.profile.header_names import PERSON_NAMES, folded
from registry.profile.marks import MarkEvidence, is_number
from registry.profile.tables import HEADER_WITHIN, Row, Table, Typed, read_tables
from registry.profile.values import ValuesBeside, without_marks
from registry.profile.wide import NOT_WIDE, WideTest, carried_down, wide_tests

SAMPLED_ROWS = 5000
"""Rows from the top of each table that are used to match its columns."""
DENSE_ROWS, SPARSE_STEP = 20_000, 20
"""Dates and numbers are examined in the first DENSE_ROWS rows, then in every SPARSE_STEP-th."""
_MAX_TOGETHER = 20_000
_COUNTED = ("test_code", "test_name", "unit", "drug", *WORD_COLUMNS)


@dataclass
class Surveyed:
    """One table, its entity, and the counts of its content. `matched` is None if the entity was not recognised.

    `together` counts the rows of each (test_code, test_name, unit).
    """

    table: Table
    header: tuple[str, ...]
    header_at: int = 0
    has_header: bool = True
    matched: Matched | None = None
    tests: dict[int, WideTest] = field(default_factory=dict)
    carry_down: list[str] = field(default_factory=list)
    hidden_headers: set[int] = field(default_factory=set)
    n_rows: int = 0
    n_weighed: int = 0
    n_malformed: int = 0
    n_no_patient: int = 0
    values: dict[str, ColumnValues] = field(default_factory=dict)
    together: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    beside: ValuesBeside = field(default_factory=ValuesBeside)


@dataclass
class Survey:
    """The findings of an export, by table and for the whole site."""

    export: Export
    tables: list[Surveyed]
    dates: DateEvidence = field(default_factory=DateEvidence)
    marks: MarkEvidence = field(default_factory=MarkEvidence)
    privacy: Privacy = field(default_factory=Privacy)

    @property
    def n_rows(self) -> int:
        """Rows of all tables."""
        return sum(table.n_rows for table in self.tables)


def survey(folder: Path, progress: Callable[[str], None] = lambda _: None) -> Survey:
    """Read the export in `folder`. Raises UserError if there is none, or a file can't be read."""
    export = find_export(folder)
    tables = []
    for file in export.files:
        progress(f"reading {file.name}")
        tables += [_identify(table) for table in read_tables(file)]
    found = Survey(export, tables)
    patients = [t for t in tables if t.matched and t.matched.entity.name == "patients"]
    for table in patients:
        _note_patients(table, found.privacy)
    for table in tables:
        progress(f"counting {table.table.where}")
        _count(table, found)
    for table in tables:
        for values in (*table.values.values(), table.beside.flags, table.beside.texts):
            values.settle(found.privacy)
    return found


def _identify(table: Table) -> Surveyed:
    """Identify a table by its header and first rows."""
    told = table.file.entity
    candidates = table.first[:HEADER_WITHIN]
    worth = [n_recognised(cells, told) + len(wide_tests(cells)) for cells in candidates]
    at = worth.index(max(worth))
    header = [cell.strip(BLANKS + "\ufeff") for cell in candidates[at]]
    while header and not header[-1]:
        header.pop()
    n_like_cells = sum(is_number(cell) or read_date(cell) is not None for cell in header)
    is_header = max(worth) > max(1, 2 * n_like_cells)
    found = Surveyed(table, tuple(header) if is_header else (), at, is_header)
    if not is_header:
        return found
    rows = list(islice(table.rows(at + 1), SAMPLED_ROWS))
    cells = sample(rows, len(header))
    tests = wide_tests(header, cells)
    entity = told or guess_entity(table.file.path.name, header, len(tests))
    repeated = {p for p, (name, column) in enumerate(zip(header, cells, strict=True)) if name in column.distinct}
    found.hidden_headers = repeated if len(repeated) < len(header) else set()
    if entity is None:
        return found
    if entity == "lab_results" and not any("test_code" in columns_named(entity, name)[:1] for name in header):
        found.tests = tests
    matched = match_columns(ENTITIES[entity], header, cells, NOT_WIDE if found.tests else frozenset())
    if found.tests:
        found.carry_down = _carried_down(matched, cells, rows)
    found.matched = matched
    return found


def _carried_down(matched: Matched, cells: list[ColumnCells], rows: list[Row | None]) -> list[str]:
    positions = {target: p for p, target in enumerate(matched.targets) if target}
    first = next((row for row in rows if row), [])
    return carried_down(
        {column: cells[p] for column, p in positions.items()},
        {column: first[p] for column, p in positions.items() if p < len(first)},
    )


def _note_patients(surveyed: Surveyed, privacy: Privacy) -> None:
    """Remember the ids in the patients table as the known patients."""
    position = surveyed.matched.position("patient_id") if surveyed.matched else None
    if position is None:
        return
    known = privacy.known if privacy.known is not None else set()
    for row in surveyed.table.rows(surveyed.header_at + 1):
        if row and position < len(row) and (text := row[position].strip(BLANKS)):
            known.add(hash(text))
    privacy.known = known


def _count(surveyed: Surveyed, found: Survey) -> None:
    """Count every row of a table."""
    matched, privacy = surveyed.matched, found.privacy
    counter = _RowCounter(surveyed, found) if matched else None
    names = [p for p, name in enumerate(surveyed.header) if folded(name) in PERSON_NAMES]
    names = [p for p in names if not (matched and matched.targets[p])]
    for row in surveyed.table.rows(surveyed.header_at + 1 if surveyed.has_header else 1):
        surveyed.n_rows += 1
        if row is None:
            surveyed.n_malformed += 1
            continue
        for position in names:
            if position < len(row):
                privacy.note_name(row[position])
        if counter:
            counter.add(row)


class _RowCounter:
    """Counts the rows of one table of a known entity."""

    def __init__(self, surveyed: Surveyed, found: Survey) -> None:
        matched = surveyed.matched
        if matched is None:
            raise UserError(f"{surveyed.table.where}: entity not recognised")
        targets = [(p, target) for p, target in enumerate(matched.targets) if target]
        self._surveyed, self._found = surveyed, found
        self._entity = matched.entity.name
        self._patient = matched.position("patient_id")
        self._dates = [(p, f"{self._entity}.{t}") for p, t in targets if t in DATE_COLUMNS]
        self._when = [p for p, t in targets if t in DATE_COLUMNS and t in matched.entity.required]
        self._numbers = [p for p, t in targets if t in NUMBERS] + list(surveyed.tests)
        self._results = [p for p, t in targets if t == "value"] + list(surveyed.tests)
        self._values = [(p, surveyed.values.setdefault(t, ColumnValues())) for p, t in targets if t in _COUNTED]
        self._lab = [matched.position(t) for t in ("test_code", "test_name", "unit")]
        self._is_long_lab = self._lab[0] is not None and not surveyed.tests
        self._width = len(surveyed.header)

    def add(self, row: Row) -> None:
        """Count one row."""
        if len(row) < self._width:
            row = row + [""] * (self._width - len(row))
        surveyed = self._surveyed
        text = row[self._patient].strip(BLANKS) if self._patient is not None else ""
        patient = self._found.privacy.patient(text) if text else None
        if text and patient is None and self._found.privacy.known is not None:
            surveyed.n_no_patient += 1
        if self._when and not any(read_date(row[position].strip(BLANKS)) for position in self._when):
            patient = None  # a misaligned row: its cells may belong to any patient
        for position, values in self._values:
            if cell := row[position].strip(BLANKS):
                values.add(cell, patient, self._found.privacy)
        for position in self._results:
            if (cell := row[position].strip(BLANKS)) and not isinstance(row[position], Typed):
                surveyed.beside.add(cell, patient, self._found.privacy)
        if self._is_long_lab:
            code, name, unit = ("" if p is None else row[p].strip(BLANKS) for p in self._lab)
            key = (code, name, unit)
            if key in surveyed.together or len(surveyed.together) < _MAX_TOGETHER:
                surveyed.together[key] += 1
        if surveyed.n_rows <= DENSE_ROWS or surveyed.n_rows % SPARSE_STEP == 0:
            self._weigh(row)

    def _weigh(self, row: Row) -> None:
        """Use the row's dates and numbers as evidence."""
        self._surveyed.n_weighed += 1
        for position, column in self._dates:
            if cell := row[position].strip(BLANKS):
                self._found.dates.add(cell, column)
        for position in self._numbers:
            if not isinstance(row[position], Typed) and (cell := row[position].strip(BLANKS)):
                self._found.marks.add(without_marks(cell))
