"""Write a minimal Excel workbook with one table of typed cells: the same bytes for the same table.

This does not use a library, because those that write .xlsx put the current time into every file.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from registry.config.input_contract import FORMULA

Cell = str | float | date | datetime

_EPOCH = datetime(1899, 12, 30)
_DAY_STYLE, _TIME_STYLE = 1, 2
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_PLAIN = 'numFmtId="0" fontId="0" fillId="0" borderId="0"'
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"


def write_workbook(path: Path, sheet: str, rows: Iterable[Sequence[Cell]]) -> None:
    """Write rows (the header first) as the only sheet; an empty text is an empty cell. Rows may differ in length."""
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPE}.worksheet+xml"/></Types>',
        "_rels/.rels": _relations("officeDocument", "xl/workbook.xml"),
        "xl/_rels/workbook.xml.rels": _relations("worksheet", "worksheets/sheet1.xml", "styles", "styles.xml"),
        "xl/workbook.xml": f'<workbook {_MAIN} xmlns:r="{_OFFICE}"><sheets>'
        f'<sheet name={quoteattr(sheet)} sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/styles.xml": f'<styleSheet {_MAIN}><numFmts count="2">'
        '<numFmt numFmtId="164" formatCode="dd/mm/yyyy"/><numFmt numFmtId="165" formatCode="dd/mm/yyyy\\ hh:mm"/>'
        '</numFmts><fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts>'
        '<fills count="2"><fill><patternFill patternType="none"/></fill>'
        '<fill><patternFill patternType="gray125"/></fill></fills>'
        '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
        f'<cellStyleXfs count="1"><xf {_PLAIN}/></cellStyleXfs><cellXfs count="3"><xf {_PLAIN}/>'
        '<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
        '<xf numFmtId="165" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs></styleSheet>',
        "xl/worksheets/sheet1.xml": f"<worksheet {_MAIN}><sheetData>"
        + "".join(_row(number, row) for number, row in enumerate(rows, 1))
        + "</sheetData></worksheet>",
    }
    with zipfile.ZipFile(path, "w") as book:
        for name, xml in parts.items():
            entry = zipfile.ZipInfo(name)  # dated 1980, the default
            entry.compress_type = zipfile.ZIP_DEFLATED
            book.writestr(entry, _HEAD + xml)


def _relations(*kinds_and_targets: str) -> str:
    pairs = zip(kinds_and_targets[::2], kinds_and_targets[1::2], strict=True)
    listed = "".join(
        f'<Relationship Id="rId{number}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(pairs, 1)
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{listed}</Relationships>'


def _row(number: int, cells: Sequence[Cell]) -> str:
    written = (_cell(f"{_letters(position)}{number}", cell) for position, cell in enumerate(cells) if cell != "")
    return f'<row r="{number}">{"".join(written)}</row>'


def _cell(place: str, cell: Cell) -> str:
    if cell == FORMULA:  # without a stored value
        return f'<c r="{place}"><f>NA()</f></c>'
    if isinstance(cell, str):
        return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{escape(cell)}</t></is></c>'
    if isinstance(cell, datetime):
        serial = (cell - _EPOCH).total_seconds() / 86_400
        return f'<c r="{place}" s="{_TIME_STYLE}"><v>{serial!r}</v></c>'
    if isinstance(cell, date):
        return f'<c r="{place}" s="{_DAY_STYLE}"><v>{cell.toordinal() - _EPOCH.toordinal()}</v></c>'
    return f'<c r="{place}"><v>{cell!r}</v></c>'


def _letters(position: int) -> str:
    """The letters (A, B, … Z, AA, …) of a column counted from 0."""
    letters = ""
    position += 1
    while position:
        position, rest = divmod(position - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
