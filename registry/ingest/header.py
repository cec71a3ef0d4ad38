"""Which column of the contract each column of a delivered file is.

Headers are compared without case and surrounding blanks, after the site's own names for them. A header never
stands in a message: in a file without one, the first patient's row would take its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from registry.contract import Entity
from registry.errors import UserError


@dataclass(frozen=True)
class Header:
    """A file's columns by position.

    `targets` holds per column the contract's column or None; `names` the header as sent, unique. Blank headers
    at the end of the line are cut off: there a cell may stand only if it is empty.
    """

    entity: Entity
    names: tuple[str, ...]
    targets: tuple[str | None, ...]

    @property
    def width(self) -> int:
        """How many cells a record has."""
        return len(self.names)

    @property
    def unknown(self) -> tuple[tuple[int, str], ...]:
        """Position and name of the columns that the contract does not know."""
        return tuple(
            (position, name)
            for position, (name, target) in enumerate(zip(self.names, self.targets, strict=True))
            if target is None
        )

    @property
    def lacks_required(self) -> tuple[str, ...]:
        """The required columns that the file does not have."""
        return tuple(column for column in self.entity.required if column not in self.targets)

    def position(self, column: str) -> int | None:
        """Where a column of the contract stands (0 = first), or None."""
        return self.targets.index(column) if column in self.targets else None


def read_header(entity: Entity, cells: Sequence[str], own_names: dict[str, str], where: str) -> Header:
    """Match the header cells of one file to the contract.

    `own_names`: the site's headers, case-folded → column. UserError where the key column is missing or two
    headers are the same or mean the same column.
    """
    names = [cell.strip().strip("\ufeff").strip() for cell in cells]
    while names and not names[-1]:
        names.pop()
    targets = [_target(entity, name, own_names) for name in names]
    names = [name or f"column {number}" for number, name in enumerate(names, start=1)]
    if entity.key not in targets:
        mark = next((mark for mark in ";,|\t" if len(names) == 1 and mark in names[0]), None)
        remedy = (
            f"separated by {mark!r}? Then set csv.delimiter" if mark else "check its first line, or name the columns"
        )
        raise UserError(f"{where}: no column {entity.key} in the header: {remedy} in site.yml")
    _check_unique(names, targets, where)
    return Header(entity, tuple(names), tuple(targets))


def _target(entity: Entity, name: str, own_names: dict[str, str]) -> str | None:
    folded = name.casefold()
    if folded in own_names:
        return own_names[folded]
    return folded if folded in entity.columns else None


def _check_unique(names: Sequence[str], targets: Sequence[str | None], where: str) -> None:
    seen: dict[str, int] = {}
    for number, (name, target) in enumerate(zip(names, targets, strict=True), start=1):
        identity = target or f"\0{name.casefold()}"
        if identity in seen:
            what = f"both mean {target}" if target else "have the same header"
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
