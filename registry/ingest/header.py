"""Which column of the contract each column of a delivered file is.

Headers are compared without case, spare blanks and invisible characters, after the site's own names for them. A header
never stands in a message: in a file without one, the first patient's row would take its place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from registry.contract import Entity
from registry.errors import UserError
from registry.ingest.bounds import MOST_COLUMNS
from registry.vocabulary import folded_header
from registry.wide_profile import FROM_THE_COLUMN, WideTest

Tests = Mapping[str, WideTest]
"""The columns of a site's wide table that hold results: header, folded → test."""
NO_TESTS: Tests = {}


@dataclass(frozen=True)
class Header:
    """A file's columns by position.

    `targets` holds per column the contract's column or None; `names` the header as sent, unique. Blank headers
    at the end of the line are cut off: there a cell may stand only if it is empty. `tests` holds position and test
    of the columns of a wide table that hold results; without any the file is a long one.
    """

    entity: Entity
    names: tuple[str, ...]
    targets: tuple[str | None, ...]
    tests: tuple[tuple[int, WideTest], ...] = ()

    @property
    def width(self) -> int:
        """How many cells a record has."""
        return len(self.names)

    @property
    def unknown(self) -> tuple[tuple[int, str], ...]:
        """Position and name of the columns that neither the contract nor the site's wide table knows."""
        results = {position for position, _ in self.tests}
        return tuple(
            (position, name)
            for position, (name, target) in enumerate(zip(self.names, self.targets, strict=True))
            if target is None and position not in results
        )

    @property
    def cells_per_record(self) -> int:
        """How many rows of raw one record may become."""
        return len(self.tests) or 1

    @property
    def lacks_required(self) -> tuple[str, ...]:
        """The required columns that the file does not have."""
        elsewhere = (self.entity.key, *FROM_THE_COLUMN) if self.tests else ()
        return tuple(column for column in self.entity.required if column not in (*self.targets, *elsewhere))

    def position(self, column: str) -> int | None:
        """Where a column of the contract stands (0 = first), or None."""
        return self.targets.index(column) if column in self.targets else None


def read_header(
    entity: Entity, cells: Sequence[str], own_names: dict[str, str], where: str, tests: Tests = NO_TESTS
) -> Header:
    """Match the header cells of one file to the contract.

    `own_names`: the site's headers, folded → column; `tests`: those of its wide table. UserError where the
    key is missing, two headers are the same or mean the same, or the file is half a long table and half a wide one.
    """
    if len(cells) > MOST_COLUMNS:
        raise UserError(
            f"{where}: {len(cells):,} columns, and {MOST_COLUMNS:,} are the most that are read: deliver those needed"
        )
    names = [cell.strip().strip("\ufeff").strip() for cell in cells]
    while names and not names[-1]:
        names.pop()
    targets = [_target(entity, name, own_names) for name in names]
    folded = [folded_header(name) for name in names]
    found = tuple((n, tests[name]) for n, name in enumerate(folded) if name in tests)
    names = [name or f"column {number}" for number, name in enumerate(names, start=1)]
    header = Header(entity, tuple(names), tuple(targets), found)
    check_wide(header, where)
    if not found and entity.key not in targets:
        mark = next((mark for mark in ";,|\t" if len(names) == 1 and mark in names[0]), None)
        remedy = (
            f"separated by {mark!r}? Then set csv.delimiter" if mark else "check its first line, or name the columns"
        )
        raise UserError(f"{where}: no column {entity.key} in the header: {remedy} in site.yml")
    _check_unique(header, where)
    return header


def is_header(entity: Entity, cells: Sequence[str], own_names: dict[str, str], tests: Tests, n_columns: int) -> bool:
    """Does this row of a sheet name the columns: the key, or a patient beside tests of the site's wide table?

    n_columns: how many columns of the contract it has to name; a legend that explains the key names one a row.
    """
    names = [folded_header(cell) for cell in cells]
    known = {own_names.get(name, name) for name in names} & set(entity.columns)
    if "patient_id" in known and any(name in tests for name in names):
        return True
    return entity.key in known and len(known) >= n_columns


def check_wide(header: Header, where: str) -> None:
    """UserError where a wide table names what its tests say already, or nothing that tells one draw from another."""
    if not header.tests:
        return
    surplus = [column for column in FROM_THE_COLUMN if column in header.targets]
    if surplus:
        raise UserError(
            f"{where}: a column {', '.join(surplus)} beside columns that are tests: each row is one result or one "
            f"draw, not both; correct site.yml (wide: {header.entity.name}: tests)"
        )
    if header.entity.key not in header.targets and header.lacks_required:
        raise UserError(
            f"{where}: no column {', '.join(header.lacks_required)}: a draw is known by patient and time; export it, "
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
        identity = target or f"\0{meaning or folded_header(name)}"
        if identity in seen:
            what = f"both mean {meaning}" if meaning else "have the same header"
            raise UserError(
                f"{where}: columns {seen[identity]} and {number} {what}; "
                "export each column once, or correct site.yml (columns)"
            )
        seen[identity] = number


def require_columns(header: Header, n_not_cancelled: int, where: str) -> None:
    """UserError where a required column is missing, unless the file takes rows back and does nothing else.

    n_not_cancelled: records whose status is not `cancelled`.
    """
    missing = header.lacks_required
    if missing and ("status" not in header.targets or n_not_cancelled > 0):
        columns = ", ".join(missing)
        raise UserError(
            f"{where}: no column {columns}; export it, or name the site's own column in site.yml "
            f"(columns: {header.entity.name}: ...)"
        )
