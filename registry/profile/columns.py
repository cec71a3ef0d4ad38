"""Match the columns of an export to those of the contract, by their names and cells."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from registry.config.input_contract import DATE_COLUMNS, ENTITIES, Entity
from registry.config.terminology import code_words, folded_word, loinc_codes
from registry.profile.dates import MAY_BE_PARTIAL, PARTIAL, read_date
from registry.profile.header_names import COLUMN_NAMES, FILE_WORDS, PERSON_NAMES, TIMES, folded, folded_forms
from registry.profile.marks import is_number
from registry.profile.recognise import drug_meant, is_known_drug, named_test, unit_dimension, unit_meant
from registry.profile.tables import Row, Typed

NUMBERS = frozenset(("value", "reference_low", "reference_high", "dose"))
_MATERIAL_SHARE = 0.5
"""Share of known materials from which on a column contains materials, not specimen numbers."""
_FIXED_ENOUGH = 3
"""Cells that a column must have before it can be recognised by them."""


@dataclass
class ColumnCells:
    """Counts of one column's sampled cells by kind (a cell may be of several kinds)."""

    n: int = 0
    n_blank: int = 0
    n_dates: int = 0
    n_partial: int = 0
    n_numbers: int = 0
    n_units: int = 0
    n_drugs: int = 0
    n_tests: int = 0
    n_materials: int = 0
    distinct: set[str] = field(default_factory=set)

    def add(self, cell: str) -> None:
        """Count one cell."""
        text = cell.strip()
        if not text:
            self.n_blank += 1
            return
        self.n += 1
        self.distinct.add(text)
        number = is_number(text)
        self.n_numbers += number
        date = None if number and isinstance(cell, Typed) else read_date(text)
        self.n_dates += date is not None and date.shape != PARTIAL
        self.n_partial += date is not None and date.shape == PARTIAL
        if not number:
            self.n_materials += folded_word(text) in _MATERIALS
            self.n_units += unit_dimension(text) is not None or (len(text) > 2 and unit_meant(text) is not None)
            self.n_drugs += is_known_drug(text) or drug_meant(text) is not None
            self.n_tests += text in _TESTS or named_test(text) is not None

    def share(self, count: int) -> float:
        """`count` as share of the cells that are not blank; 0 if there are too few."""
        return count / self.n if self.n >= _FIXED_ENOUGH else 0.0


_TESTS = frozenset(loinc_codes())
_MATERIALS = frozenset(code_words("material"))
_STATUSES = frozenset(code_words("status"))


@dataclass(frozen=True)
class Matched:
    """The columns of one table, by position.

    `targets`: the contract's column or None; `by_cells`: matched only by their cells; `doubtful`: the column by its
    name, which the cells contradict; `rivals`: the column that another position already has; `key_like`: if there is no
    key, the only column whose cells all differ.
    """

    entity: Entity
    names: tuple[str, ...]
    targets: tuple[str | None, ...]
    by_cells: frozenset[int]
    doubtful: dict[int, str]
    rivals: dict[int, str]
    key_like: int | None

    def position(self, column: str) -> int | None:
        """The position of a column of the contract, or None."""
        return self.targets.index(column) if column in self.targets else None

    @property
    def missing(self) -> tuple[str, ...]:
        """Required columns that were not found."""
        return tuple(column for column in self.entity.required if column not in self.targets)


def columns_named(entity: str, name: str) -> tuple[str, ...]:
    """The columns of an entity that a header may mean, the most likely first."""
    return tuple(column for _, column in _wishes(entity, name))


def _wishes(entity: str, name: str) -> list[tuple[int, str]]:
    """Columns of an entity that a header may mean, each after the header's rank in its list of names."""
    forms = folded_forms(name)
    return sorted(
        (min(names.index(form) for form in forms if form in names), column)
        for column, names in COLUMN_NAMES[entity].items()
        if any(form in names for form in forms)
    )


def n_recognised(cells: Iterable[str], entity: str | None = None) -> int:
    """Number of cells that name a column (of that entity, or of the best match) or a column of people's names."""
    cells = list(cells)
    best = max(
        len({columns[0] for cell in cells if (columns := columns_named(name, cell))})
        for name in ([entity] if entity else ENTITIES)
    )
    return best + sum(folded(cell) in PERSON_NAMES for cell in cells)


def guess_entity(file_name: str, header: Sequence[str], n_tests_in_header: int = 0) -> str | None:
    """The entity of a table, from its file name and header; None if it can't be determined."""
    words = set(re.findall(r"[a-z]+", folded_words(file_name)))
    scores = {}
    for name, entity in ENTITIES.items():
        columns = {found[0] for cell in header if (found := columns_named(name, cell))}
        required = sum(column in entity.required for column in columns)
        is_named = bool(words & FILE_WORDS[name])
        if not columns or len(columns) + is_named + (n_tests_in_header if name == "lab_results" else 0) < 2:
            continue
        native = sum(cell.strip().casefold() in entity.columns for cell in header)
        scores[name] = 2 * required + len(columns) + native + 5 * is_named
        if name == "lab_results":
            scores[name] += n_tests_in_header
    best = sorted(scores, key=lambda name: -scores[name])[:2]
    if not best or (len(best) > 1 and scores[best[0]] == scores[best[1]]):
        return None
    return best[0]


def folded_words(file_name: str) -> str:
    """A file name as words, without accents, numbers and punctuation."""
    return " ".join(folded(word) for word in re.split(r"[\W_\d]+", file_name))


def sample(rows: Iterable[Row | None], width: int) -> list[ColumnCells]:
    """Count the cells of each column in the given rows."""
    columns = [ColumnCells() for _ in range(width)]
    for row in rows:
        if row is not None:
            for column, cell in zip(columns, row, strict=False):
                column.add(cell)
    return columns


def match_columns(
    entity: Entity, names: Sequence[str], cells: Sequence[ColumnCells], without: frozenset[str] = frozenset()
) -> Matched:
    """Match the columns of one table to the contract, except for the columns in `without`."""
    targets: list[str | None] = [None] * len(names)
    doubtful: dict[int, str] = {}
    rivals: dict[int, str] = {}
    for position, name in enumerate(names):
        if (native := name.strip().casefold()) in entity.columns and native not in targets:
            targets[position] = native
    wishes = sorted(
        (not cells[position].n, rank, order, position, column)  # a column without cells comes last
        for position, name in enumerate(names)
        if targets[position] is None
        for order, (rank, column) in enumerate(_wishes(entity.name, name))
    )
    for *_, position, column in wishes:
        if targets[position] is not None or position in doubtful:
            continue
        if column in without or _is_the_other(column, names[position], cells[position]):
            continue
        if column in targets:
            rivals.setdefault(position, column)
        elif _contradicts(column, cells[position]):
            doubtful[position] = column
        else:
            targets[position] = column
            rivals.pop(position, None)
    if "test_code" in entity.columns and "test_code" not in targets and "test_name" in targets:
        targets[targets.index("test_name")] = "test_code"
    free = {
        position: cells[position]
        for position, name in enumerate(names)
        if targets[position] is None and position not in doubtful and position not in rivals and not _is_known(name)
    }
    by_cells = set()
    for column in entity.required:
        fitting = [p for p, found in free.items() if column not in {*targets, *without} and _must_be(column, found)]
        if len(fitting) == 1:
            targets[fitting[0]] = column
            by_cells.add(fitting[0])
            del free[fitting[0]]
    unique = [p for p, found in free.items() if found.n >= 10 and len(found.distinct) == found.n + found.n_blank]
    unique = [p for p in unique if not cells[p].n_dates]
    key_like = unique[0] if entity.key not in targets and len(unique) == 1 else None
    return Matched(entity, tuple(names), tuple(targets), frozenset(by_cells), doubtful, rivals, key_like)


def _is_known(name: str) -> bool:
    """Whether a header has a known meaning: a column of any entity, a person, a time of day."""
    return folded(name) in PERSON_NAMES | TIMES or any(columns_named(entity, name) for entity in ENTITIES)


def _contradicts(column: str, cells: ColumnCells) -> bool:
    """Whether the cells contradict the header."""
    if column in DATE_COLUMNS:
        n_dates = cells.n_dates + (cells.n_partial if column in MAY_BE_PARTIAL else 0)
        return cells.n >= _FIXED_ENOUGH and cells.share(n_dates) < 0.2
    if column == "value":
        return cells.n >= _FIXED_ENOUGH and cells.share(cells.n_numbers) < 0.2
    if column == "status":
        return bool(cells.distinct) and not any(folded_word(text) in _STATUSES for text in cells.distinct)
    if column in ("unit", "drug", "test_code"):
        return cells.share(cells.n_dates) > 0.8
    return False


def _is_the_other(column: str, name: str, cells: ColumnCells) -> bool:
    """Whether the cells show that a header for specimen number or material (Campione, Probe) means the other one."""
    is_material = cells.share(cells.n_materials) >= _MATERIAL_SHARE
    if column == "specimen_id":
        return is_material
    return column == "material" and folded(name) in COLUMN_NAMES["lab_results"]["specimen_id"] and not is_material


def _must_be(column: str, cells: ColumnCells) -> bool:
    """Whether the cells alone identify this column."""
    if column in DATE_COLUMNS:
        return cells.share(cells.n_dates) >= 0.95
    if column == "unit":
        return cells.share(cells.n_units) >= 0.8
    if column == "drug":
        return cells.share(cells.n_drugs) >= 0.5
    if column == "test_code":
        return cells.share(cells.n_tests) >= 0.3
    if column == "value":
        return (
            cells.share(cells.n_numbers) >= 0.8 and cells.share(cells.n_dates) < 0.5 and len(cells.distinct) < cells.n
        )
    return False
