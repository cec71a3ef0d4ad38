"""Detect a site's number marks from its cells: `0,75` decides, `1.250` alone does not."""

from __future__ import annotations

import re
from dataclasses import dataclass

_OPERATOR = re.compile(r"^(<=|>=|<|>|≤|≥)\s*")
_GAPS = " '’\u00a0\u202f"
_NUMBER = re.compile(rf"[+-]?\d+([.,{_GAPS}]\d+)*")
_BOTH = re.compile(rf"[+-]?\d{{1,3}}(([.{_GAPS}])\d{{3}}(\2\d{{3}})*,\d+|([,{_GAPS}])\d{{3}}(\4\d{{3}})*\.\d+)")
_GROUPS = re.compile(rf"[+-]?\d{{1,3}}(?P<mark>[.,{_GAPS}])\d{{3}}((?P=mark)\d{{3}})*")
_PART = re.compile(r"[+-]?\d*(?P<mark>[.,])\d+")


def is_number(cell: str) -> bool:
    """Whether a cell is a number with any marks, with or without an operator before it."""
    bare = _OPERATOR.sub("", cell)
    return bool(_NUMBER.fullmatch(bare) or _PART.fullmatch(bare))


@dataclass
class MarkEvidence:
    """Evidence from the cells of number columns, as counts of cells.

    `points` and `commas` can only be decimal marks; `open_points` and `open_commas` may separate thousands (`1.250`).
    """

    points: int = 0
    commas: int = 0
    open_points: int = 0
    open_commas: int = 0
    grouping: str | None = None

    def add(self, cell: str) -> None:
        """Count one cell; other texts than numbers are ignored."""
        cell = _OPERATOR.sub("", cell)
        if both := _BOTH.fullmatch(cell):
            self.grouping = both[2] or both[4]
            self._decimal("," if both[2] else ".")
        elif groups := _GROUPS.fullmatch(cell):
            mark, is_long = groups["mark"], cell.count(groups["mark"]) > 1
            if mark not in ".,":
                self.grouping = mark
            elif is_long:
                self.grouping = mark
                self._decimal("." if mark == "," else ",")
            elif cell.lstrip("+-").startswith("0"):
                self._decimal(mark)
            elif mark == ".":
                self.open_points += 1
            else:
                self.open_commas += 1
        elif part := _PART.fullmatch(cell):
            self._decimal(part["mark"])

    def _decimal(self, mark: str) -> None:
        if mark == ",":
            self.commas += 1
        else:
            self.points += 1

    @property
    def decimal(self) -> str | None:
        """The decimal mark, by the majority of the cells that show it; None if none does."""
        if self.points == self.commas:
            return None
        return "," if self.commas > self.points else "."

    @property
    def thousands(self) -> str | None:
        """The thousands separator, if numbers have one and the decimal mark is known."""
        if self.grouping and self.grouping != self.decimal:
            return self.grouping
        if self.decimal == "," and self.open_points and not self.points:
            return "."
        return "," if self.decimal == "." and self.open_commas and not self.commas else None

    @property
    def n_against(self) -> int:
        """Cells with the other decimal mark, which will be quarantined."""
        return min(self.points, self.commas)

    @property
    def is_open(self) -> bool:
        """Whether numbers contain a mark, but no cell shows its meaning."""
        return self.decimal is None and bool(self.open_points or self.open_commas or self.points)
