"""The sheets of an Excel workbook, cell by cell, with the details that calamine does not report.

calamine's range ends at the last cell with a value; a formula without a value may be outside it, but is a cell too.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import Any, TypeAlias

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from registry.errors import UserError
from registry.ingest.bounds import MOST_GRID, UNREADABLE, check_workbook
from registry.ingest.excel_cells import PERCENT, SpecialCells, special_cells

Cell: TypeAlias = tuple[Any, str | None]
"""A cell as calamine reads it, and its special content (registry/ingest/excel_cells.py)."""


class Sheet:
    """One sheet, with its number (1 = first) and name."""

    def __init__(self, number: int, name: str, sheet: CalamineSheet, special: SpecialCells) -> None:
        self.number = number
        self.name = name
        self._sheet = sheet
        self._special = special
        texts = [place for place, text in special.items() if text != PERCENT]
        starts = [sheet.start] if sheet.start else []
        ends = [sheet.end] if sheet.end else []
        self._first_column = min((column for _, column in starts + texts), default=0)
        self._n_columns = max((column for _, column in ends + texts), default=-1) + 1 - self._first_column
        self._n_rows = max((row for row, _ in ends + texts), default=-1) + 1
        if self._n_rows * self._n_columns > MOST_GRID:
            raise ValueError("too large a sheet")

    @property
    def is_empty(self) -> bool:
        """Does the sheet have no cells?"""
        return self._n_rows == 0

    def rows(self) -> Iterator[list[Cell]]:
        """All rows down to the last cell, from the first column that has a cell to the last."""
        typed = self._sheet.iter_rows()
        before = [""] * ((self._sheet.start[1] if self._sheet.start else 0) - self._first_column)
        for number in range(self._n_rows):
            cells = [*before, *next(typed, ())]
            cells += [""] * (self._n_columns - len(cells))
            yield [(cell, self._special.get((number, place))) for place, cell in enumerate(cells, self._first_column)]


def open_workbook(data: bytes, where: str) -> list[Sheet]:
    """Every sheet of a workbook, including hidden ones. Raises UserError if it can't be read."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as book:
            check_workbook(book, where)
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(data))
        special = special_cells(data)
        return [
            Sheet(number, name, workbook.get_sheet_by_index(number - 1), special.get(number, {}))
            for number, name in enumerate(workbook.sheet_names, start=1)
        ]
    except (CalamineError, OSError, ValueError, KeyError, *UNREADABLE):
        raise UserError(
            f"{where}: not a readable Excel workbook: damaged, cut off or protected; save it again as .xlsx"
        ) from None
