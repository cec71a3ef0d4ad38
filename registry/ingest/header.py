"""Match the columns of a delivered file to those of the contract.

Headers are compared without case, extra blanks and invisible characters; the site's own names come first. Messages
never quote a header: in a file without one, that would be the first patient's row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from registry.config.input_contract import IGNORE, Entity
from registry.config.terminology import folded_header
from registry.config.wide_layout import FROM_THE_COLUMN, WideTest
from registry.errors import UserError
from registry.ingest.bounds import MOST_COLUMNS

Tests = Mapping[str, WideTest]
"""The result columns of a site's wide table: folded header → test."""
NO_TESTS: Tests = {}


@dataclass(frozen=True)
class Header:
    """A file's columns by position.

    `targets`: for each column the contract's column, a part of one (`collected_at.date`), IGNORE or None.
    `names`: the headers as sent, unique. Blank headers at the end of the line are dropped; cells below them must be
    empty. `tests`: position and test of the result columns of a wide table; a long table has none.
    """

    entity: Entity
    names: tuple[str, ...]
    targets: tuple[str | None, ...]
    tests: tuple[tuple[int, WideTest], ...] = ()

    @property
    def width(self) -> int:
        """Number of cells in a record."""
        return len(self.names)

    @property
    def unknown(self) -> tuple[tuple[int, str], ...]:
        """Position and name of the columns that are neither in the contract nor in the site's wide table."""
        results = {position for position, _ in self.tests}
        return tuple(
            (position, name)
            for position, (name, target) in enumerate(zip(self.names, self.targets, strict=True))
            if target is None and position not in results
        )

    @property
    def kept_apart(self) -> tuple[tuple[int, str], ...]:
        """Position and name of the columns whose cells are kept under the site's own header: unknown ones and parts."""
        parts = [
            (p, name) for p, (name, target) in enumerate(zip(self.names, self.targets, strict=True)) if _part(target)
        ]
        return tuple(sorted((*self.unknown, *parts)))

    @property
    def has_ignored(self) -> bool:
        """Does the file have a column that must not be stored?"""
        return IGNORE in self.targets

    @property
    def is_key_composed(self) -> bool:
        """Does the file lack a key column, so that the registry composes the key?"""
        return self.entity.key not in self.targets

    @property
    def is_cell_by_cell(self) -> bool:
        """Does each record become one row of raw as it is, with no cell made of others?"""
        return not self.tests and not self.is_key_composed and not any(map(_part, self.targets))

    @property
    def cells_per_record(self) -> int:
        """The most rows of raw that one record can become."""
        return len(self.tests) or 1

    @property
    def lacks_required(self) -> tuple[str, ...]:
        """The required columns that are missing."""
        present = {self.entity.key, *columns_of(self.targets), *(FROM_THE_COLUMN if self.tests else ())}
        return tuple(column for column in self.entity.required if column not in present)

    def position(self, column: str) -> int | None:
        """The position of a column of the contract (0 = first), or None."""
        return self.targets.index(column) if column in self.targets else None


def columns_of(targets: Iterable[str | None]) -> set[str]:
    """The columns of the contract that are present, whole or in parts."""
    return {target.partition(".")[0] for target in targets if target}


def _part(target: str | None) -> str:
    """`date` or `time` for a column with a part of a time; "" for any other."""
    return (target or "").partition(".")[2]


def read_header(
    entity: Entity,
    cells: Sequence[str],
    own_names: dict[str, str],
    where: str,
    tests: Tests = NO_TESTS,
    key: Sequence[str] = (),
) -> Header:
    """Match the header cells of one file to the contract.

    `own_names`: the site's headers, folded → column, part of one, or IGNORE; `tests`: those of its wide table;
    `key`: the columns to compose a missing key of. Raises UserError if the key is missing and can't be composed, two
    headers are equal or mean the same, a time lacks a part, or the file mixes a long table with a wide one.
    """
    if len(cells) > MOST_COLUMNS:
        raise UserError(f"{where}: {len(cells):,} columns; the limit is {MOST_COLUMNS:,}: deliver only those needed")
    names = [cell.strip().strip("\ufeff").strip() for cell in cells]
    while names and not names[-1]:
        names.pop()
    targets = [_target(entity, name, own_names) for name in names]
    folded = [folded_header(name) for name in names]
    found = tuple((n, tests[name]) for n, name in enumerate(folded) if name in tests)
    names = [name or f"column {number}" for number, name in enumerate(names, start=1)]
    header = Header(entity, tuple(names), tuple(targets), found)
    check_wide(header, where)
    if not found and header.is_key_composed:
        _check_composed_key(header, key, where)
    _check_unique(header, where)
    check_parts(header, where)
    return header


def is_header(
    entity: Entity,
    cells: Sequence[str],
    own_names: dict[str, str],
    tests: Tests,
    n_columns: int,
    key: Sequence[str] = (),
) -> bool:
    """Is this row of a sheet a header, with the key, all of `key`, or a patient and tests of the wide table?

    key: the columns to compose a missing key of.
    n_columns: how many columns of the contract the row must name; a legend of the columns names only one a row.
    """
    names = [folded_header(cell) for cell in cells]
    known = columns_of(_target(entity, name, own_names) for name in cells) & set(entity.columns)
    if "patient_id" in known and any(name in tests for name in names):
        return True
    has_key = entity.key in known or (bool(key) and known.issuperset(key))
    return has_key and len(known) >= n_columns


def _check_composed_key(header: Header, key: Sequence[str], where: str) -> None:
    """Raise UserError if a long file has no key and it can't be composed."""
    entity, names = header.entity, header.names
    lacking = [column for column in key if column not in columns_of(header.targets)]
    if key and not lacking:
        return
    mark = next((mark for mark in ";,|\t" if len(names) == 1 and mark in names[0]), None)
    if mark:
        remedy = f"separated by {mark!r}? Then set csv.delimiter in site.yml"
    elif key:
        remedy = (
            f"it can't be composed without {', '.join(lacking)} (site.yml, keys: {entity.name}): "
            "export the column, or correct site.yml"
        )
    else:
        remedy = "check its first line, or name the columns in site.yml"
        if entity.name != "patients":
            remedy += (
                f"; if the export has no key, site.yml can compose it from other columns (keys: {entity.name}: [...])"
            )
    raise UserError(f"{where}: no column {entity.key} in the header: {remedy}")


def check_parts(header: Header, where: str) -> None:
    """Raise UserError if a time is present both whole and in parts, or only its date or its time of day."""
    parts = {target for target in header.targets if _part(target)}
    for column in sorted(columns_of(parts)):
        if column in header.targets:
            raise UserError(
                f"{where}: {column} is there twice, as one column and as date and time: deliver one of the two, or "
                f"correct site.yml (columns: {header.entity.name})"
            )
        missing = [f"{column}.{part}" for part in ("date", "time") if f"{column}.{part}" not in parts]
        if missing:
            raise UserError(
                f"{where}: no column for {missing[0]}, only for the other part: export both date and time, or correct "
                f"site.yml (columns: {header.entity.name})"
            )


def check_wide(header: Header, where: str) -> None:
    """Raise UserError if a wide table also has columns of a long one, or nothing that identifies a draw."""
    if not header.tests:
        return
    surplus = [column for column in FROM_THE_COLUMN if column in header.targets]
    if surplus:
        raise UserError(
            f"{where}: both a column {', '.join(surplus)} and columns of tests: each row must be one result or one "
            f"draw, not both; correct site.yml (wide: {header.entity.name}: tests)"
        )
    if header.is_key_composed and header.lacks_required:
        raise UserError(
            f"{where}: no column {', '.join(header.lacks_required)}: patient and time identify a draw; export it, "
            f"or name the site's own column in site.yml (columns: {header.entity.name}: ...)"
        )


def _target(entity: Entity, name: str, own_names: dict[str, str]) -> str | None:
    folded = folded_header(name)
    if folded in own_names:
        return own_names[folded]
    return folded if folded in entity.columns else None


def _check_unique(header: Header, where: str) -> None:
    seen: dict[str, int] = {}
    codes = {position: test.code for position, test in header.tests}
    for position, (name, target) in enumerate(zip(header.names, header.targets, strict=True)):
        number = position + 1
        meaning = target or codes.get(position)
        if target == IGNORE:
            meaning = None
        identity = (meaning and target) or f"\0{meaning or folded_header(name)}"
        if identity in seen:
            what = f"both mean {meaning}" if meaning else "have the same header"
            raise UserError(
                f"{where}: columns {seen[identity]} and {number} {what}; "
                "export each column once, or correct site.yml (columns)"
            )
        seen[identity] = number


def require_columns(header: Header, n_not_cancelled: int, where: str) -> None:
    """Raise UserError if a required column is missing, unless the file only cancels rows.

    n_not_cancelled: records whose status is not `cancelled`.
    """
    missing = header.lacks_required
    if missing and ("status" not in header.targets or n_not_cancelled > 0):
        columns = ", ".join(missing)
        raise UserError(
            f"{where}: no column {columns}; export it, or name the site's own column in site.yml "
            f"(columns: {header.entity.name}: ...)"
        )
