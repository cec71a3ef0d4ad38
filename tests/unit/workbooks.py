"""Excel workbooks for tests, made of rows."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import openpyxl

Rows = list[list[Any]]


def workbook(*sheets: Rows, touch: Callable[[openpyxl.Workbook], None] | None = None) -> bytes:
    """The bytes of a workbook with these sheets; `touch` may change it before it is saved."""
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for number, rows in enumerate(sheets, start=1):
        sheet = book.create_sheet(f"sheet {number}")
        for row in rows:
            sheet.append(row)
    if touch:
        touch(book)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()
