"""Cells of the CSV files that we write, so that a spreadsheet shows what was delivered and computes nothing.

A text that begins with =, +, -, @, a tab or a line end is a formula to Excel and its like, and may start programs or
send what stands beside it elsewhere (OWASP, "CSV Injection"). It is written with an apostrophe before it. Numbers stay.
"""

from __future__ import annotations

import re
from typing import Any

_FORMULA = re.compile(r"[=+\-@\t\r\n]")
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)*(?:[eE][+-]?\d+)?%?")


def harmless(cell: Any) -> Any:
    """The cell as it may be written into a file that people open: a text that would be a formula is marked as text."""
    if isinstance(cell, str) and len(cell) > 1 and _FORMULA.match(cell) and not _NUMBER.fullmatch(cell):
        return f"'{cell}"
    return cell
