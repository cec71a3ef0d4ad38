"""Limits against files that expand too much, and tables far larger than their content.

A few kilobytes can unpack to gigabytes, and one cell in the last corner of a sheet makes a grid of 17 billion cells.
Such a file is refused before it is read.
"""

from __future__ import annotations

import re
import zipfile
import zlib

from registry.errors import UserError

MOST_COLUMNS = 5000
MOST_UNPACKED = 2**30
"""Unpacked bytes of all parts of a workbook; a million rows of ten columns take half of this."""
MOST_GRID = 64 * 2**20
"""Cells between the first and the last of a sheet, including empty ones: all take memory."""
_FROM = 16 * 2**20
_TIMES = 200
"""How many times its size a file that unpacks to more than `_FROM` may reach; real exports reach 10 to 50."""
_CHUNK = 2**20

_COLUMN = re.compile(rb"\sr\s*=\s*[\"']([A-Za-z]{2,})\d")
_ROW = re.compile(rb"\sr\s*=\s*[\"'][A-Za-z]*(\d+)[\"']")
_FAR_ROW = re.compile(rb"\sr\s*=\s*[\"'][A-Za-z]*\d{6}")


def check_unpacked(packed: int, unpacked: int, where: str) -> None:
    """Raise UserError if a file unpacks to too many times its size."""
    if unpacked > max(_FROM, _TIMES * packed):
        raise UserError(
            f"{where}: the file expands to more than {_TIMES} times its size, too much for an export; create it again"
        )


def check_workbook(book: zipfile.ZipFile, where: str) -> None:
    """Raise UserError if an .xlsx expands too much or a sheet is too large. May raise zipfile's own errors.

    Everything is unpacked once, piece by piece: the sizes stated in the file may be false.
    """
    unpacked = 0
    for part in book.infolist():
        size = 0
        with book.open(part) as content:
            while chunk := content.read(_CHUNK):
                size += len(chunk)
                check_unpacked(part.compress_size, size, where)
                if unpacked + size > MOST_UNPACKED:
                    raise UserError(f"{where}: expands to more than {MOST_UNPACKED // 2**20} MB: deliver it as CSV")
        unpacked += size
    for part in book.infolist():
        if "sheet" in part.filename.lower() and _grid(book.read(part)) > MOST_GRID:
            raise UserError(
                f"{where}: the sheet is too large to read because a cell is far away from the table: delete the "
                "rows and columns beyond the table, or deliver it as CSV"
            )


def _grid(sheet: bytes) -> int:
    """Cells from the first of a sheet to its last; only an upper bound if that is small enough."""
    columns = max((_number(name) for name in {found[1] for found in _COLUMN.finditer(sheet)}), default=26)
    rows = 99_999
    if columns * rows > MOST_GRID or _FAR_ROW.search(sheet):
        rows = max((int(found[1]) for found in _ROW.finditer(sheet)), default=0)
    return columns * rows


def _number(name: bytes) -> int:
    """The column (1 = first) of letters such as AB."""
    number = 0
    for letter in name.upper():
        number = number * 26 + letter - ord("A") + 1
    return number


UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)
"""What zipfile raises for a file that is damaged, protected or not a zip file."""
