"""One Excel cell as text, as the site would have written it.

Text stays as it is. A workbook stores numbers and dates without their text: dates become ISO, numbers the shortest
plain form, with the site's decimal mark, so that they read like the site's text.

calamine does not report that a number is formatted as a percentage (a cell that shows 45% contains 0.45), that a cell
contains an error (#N/A reads as empty), or that a formula has no stored value. All three are looked up in the workbook
itself.
"""

from __future__ import annotations

import datetime as dt
import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, TypeAlias
from xml.etree import ElementTree as ET

from registry.config.input_contract import FORMULA

PERCENT = "%"
SpecialCells: TypeAlias = dict[tuple[int, int], str]
"""Row and column (0 = first) of the cells that calamine reads incompletely, with their error, FORMULA or PERCENT."""

_PERCENT_FORMATS = {"9", "10"}
_LITERAL = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')
_ERROR_OR_FORMULA = re.compile(rb"""t\s*=\s*["']e["']|<(?:\w+:)?f[\s/>]""")
_CORNER = re.compile(r"([A-Z]{1,3})(\d{1,7})$")
_MILLISECOND = 1000
_MOST_SPILLED = 2**20
"""Cells that one array formula may fill."""


def cell_text(cell: Any, decimal_mark: str, special: str | None = None) -> str:
    """One typed cell as text: ISO dates, integers without ".0", floats in their shortest exact form."""
    if special and special != PERCENT:
        return special
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        number = f"{_plain(Decimal(repr(cell)) * 100)}%" if special else _plain(Decimal(repr(cell)))
        return number.replace(".", decimal_mark)
    return _time_text(cell)


def _time_text(cell: Any) -> str:
    """A date, a date with time, a time of day, or a span of hours."""
    if isinstance(cell, dt.datetime):
        return _to_second(cell).isoformat(sep=" ")
    if isinstance(cell, dt.timedelta):
        minutes, seconds = divmod(round(cell.total_seconds()), 60)
        return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"
    return cell.isoformat() if isinstance(cell, (dt.date, dt.time)) else str(cell)


def _plain(number: Decimal) -> str:
    """Format without an exponent and without trailing zeros after the decimal point."""
    text = format(number, "f")
    return text.rstrip("0").removesuffix(".") if "." in text else text


def _to_second(moment: dt.datetime) -> dt.datetime:
    """Round to the second: 08:30, stored as a fraction of a day, may read as 08:29:59.999."""
    if moment.microsecond >= 1_000_000 - _MILLISECOND:
        return moment.replace(microsecond=0) + dt.timedelta(seconds=1)
    return moment.replace(microsecond=0) if moment.microsecond <= _MILLISECOND else moment


def special_cells(data: bytes) -> dict[int, SpecialCells]:
    """The percentages, errors and formulas without a value of each sheet (1 = first) that has any.

    Raises ValueError if `data` is not a readable .xlsx.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as book:
            parts = {name.replace("\\", "/").lower(): name for name in book.namelist()}
            percent = _percent_styles(book.read(parts["xl/styles.xml"])) if "xl/styles.xml" in parts else set()
            relations = book.read(parts["xl/_rels/workbook.xml.rels"])
            sheets = _sheet_parts(book.read(parts["xl/workbook.xml"]), relations)
            return {
                number: cells
                for number, part in enumerate(sheets, start=1)
                if part in parts and (cells := _special_of(book.read(parts[part]), percent))
            }
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, ET.ParseError, NotImplementedError, RuntimeError):
        raise ValueError("not an Excel workbook") from None


def _elements(content: bytes, name: str) -> Iterator[ET.Element]:
    """The elements of this name, in any namespace."""
    for _, element in ET.iterparse(io.BytesIO(content)):  # noqa: S314  expat limits entity expansion
        if element.tag.rpartition("}")[2] == name:
            yield element


def _attribute(element: ET.Element, name: str) -> str:
    return next((value for key, value in element.attrib.items() if key.rpartition("}")[2] == name), "")


def _sheet_parts(workbook: bytes, relations: bytes) -> list[str]:
    """The file of each sheet, in lower case, in the order of the workbook."""
    targets = {_attribute(each, "Id"): _attribute(each, "Target") for each in _elements(relations, "Relationship")}
    # a sheet also has an attribute sheetId; the id of its relationship is the one with a namespace
    ids = [
        next((value for key, value in sheet.attrib.items() if key.endswith("}id")), "")
        for sheet in _elements(workbook, "sheet")
    ]
    return [posixpath.normpath(posixpath.join("/xl", targets[own])).lstrip("/").lower() for own in ids]


def _percent_styles(styles: bytes) -> set[str]:
    """Indexes of the cell styles that show a number as a percentage."""
    formats = _PERCENT_FORMATS | {
        _attribute(own, "numFmtId")
        for own in _elements(styles, "numFmt")
        if "%" in _LITERAL.sub("", _attribute(own, "formatCode"))
    }
    return {
        str(number)
        for used in _elements(styles, "cellXfs")
        for number, style in enumerate(used)
        if _attribute(style, "numFmtId") in formats
    }


def _special_of(sheet: bytes, percent: set[str]) -> SpecialCells:
    """The special cells of one sheet; a sheet without any is not parsed."""
    if not _ERROR_OR_FORMULA.search(sheet) and not (percent and _uses(sheet, percent)):
        return {}
    found: SpecialCells = {}
    row_number = 0
    for row in _elements(sheet, "row"):
        row_number = int(row.get("r", row_number + 1))
        column = 0
        for cell in row:
            column = _column(cell.get("r", "")) or column + 1
            place = row_number - 1, column - 1
            parts = {child.tag.rpartition("}")[2]: child for child in cell}
            kind = cell.get("t", "n")
            # an empty text is a value too: ="" shows nothing
            has_value = "is" in parts or ("v" in parts and (parts["v"].text or kind == "str"))
            if has_value:
                found.pop(place, None)  # a cell with a value inside an array formula that was never computed
            if "f" in parts and not has_value:
                found |= dict.fromkeys(_filled_by(parts["f"], place), FORMULA)
            elif kind == "e":
                found[place] = (parts["v"].text if "v" in parts else None) or "#N/A"
            elif has_value and kind == "n" and cell.get("s") in percent:
                found[place] = PERCENT
        row.clear()
    return found


def _filled_by(formula: ET.Element, place: tuple[int, int]) -> list[tuple[int, int]]:
    """The cells that a formula fills: its own, or the whole range of an array formula."""
    if formula.get("t") not in ("array", "dataTable"):
        return [place]
    corner = _CORNER.search(formula.get("ref", ""))
    if corner is None:
        return [place]
    rows = range(place[0], int(corner[2]))
    columns = range(place[1], _column(corner[1]))
    if len(rows) * len(columns) > _MOST_SPILLED:
        raise ValueError("too large an array formula")
    return [(row, column) for row in rows for column in columns] or [place]


def _uses(sheet: bytes, styles: set[str]) -> bool:
    return re.search(rb's\s*=\s*["\'](?:%b)["\']' % "|".join(styles).encode(), sheet) is not None


def _column(place: str) -> int:
    """The column (1 = first) of a place such as AB12; 0 if it has none."""
    number = 0
    for letter in place.rstrip("0123456789"):
        number = number * 26 + ord(letter) - ord("A") + 1
    return number
