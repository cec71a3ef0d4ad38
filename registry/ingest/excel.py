"""The first sheet of an Excel workbook whose header fits, its typed cells as text.

Text stays as it is. Numbers and dates have no text of their own in a workbook: dates become ISO, numbers the
shortest plain form, with the site's decimal mark, so that they read like the site's text.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from registry.contract import Entity
from registry.errors import UserError
from registry.ingest.header import Header, read_header
from registry.ingest.records import Record


def read_workbook(
    data: bytes, entity: Entity, own_names: dict[str, str], decimal_mark: str, where: str
) -> tuple[Header, Iterator[Record]]:
    """Header and records of the one sheet whose first row holds the key column.

    UserError where the workbook can't be read, where no sheet fits, or where two do (either would be lost).
    """
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(data))
        sheets = [workbook.get_sheet_by_index(n) for n in range(len(workbook.sheet_names))]
        first_rows = [_header_cells(sheet) for sheet in sheets]
    except (CalamineError, OSError, ValueError):
        raise UserError(
            f"{where}: not a readable Excel workbook: damaged, cut off or protected; save it again as .xlsx"
        ) from None
    fitting = [
        (sheet, cells)
        for sheet, cells in zip(sheets, first_rows, strict=True)
        if cells and _holds_key(cells, entity, own_names)
    ]
    if len(fitting) > 1:
        raise UserError(f"{where}: {len(fitting)} sheets hold {entity.name}: save each as its own file")
    if not fitting:
        raise UserError(
            f"{where}: no sheet whose first row holds the column {entity.key}; put the header in the first "
            f"row, or name the site's own columns in site.yml (columns: {entity.name}: ...)"
        )
    sheet, cells = fitting[0]
    header = read_header(entity, cells, own_names, where)
    return header, _records(sheet, header, decimal_mark)


def _header_cells(sheet: CalamineSheet) -> list[str]:
    """The first row that is not empty, as text."""
    for row in sheet.iter_rows():
        cells = [cell_text(cell, ".") for cell in row]
        if any(cell.strip() for cell in cells):
            return cells
    return []


def _holds_key(cells: list[str], entity: Entity, own_names: dict[str, str]) -> bool:
    names = [cell.strip().casefold() for cell in cells]
    return entity.key in (own_names.get(name, name) for name in names)


def _records(sheet: CalamineSheet, header: Header, decimal_mark: str) -> Iterator[Record]:
    """The rows below the header; a row of empty cells is none."""
    width = header.width
    is_header = True
    for row in sheet.iter_rows():
        cells = [cell_text(cell, decimal_mark) for cell in row]
        if not any(cell.strip() for cell in cells):
            continue
        if is_header:
            is_header = False
        elif any(cell.strip() for cell in cells[width:]):
            yield Record(None, "\t".join(cells))
        else:
            yield Record(cells[:width] + [""] * (width - len(cells)))


def cell_text(cell: Any, decimal_mark: str) -> str:
    """One typed cell as text: ISO dates, integers without ".0", floats plain and as short as they read back."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return _plain(cell).replace(".", decimal_mark)
    if isinstance(cell, dt.datetime):
        return cell.isoformat(sep=" ")
    if isinstance(cell, (dt.date, dt.time)):
        return cell.isoformat()
    return str(cell)


def _plain(number: float) -> str:
    text = repr(number)
    if "e" in text:
        text = format(Decimal(text), "f")
    return text.removesuffix(".0")
