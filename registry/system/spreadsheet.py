"""Make cells of our CSV files safe, so that a spreadsheet shows what was delivered and computes nothing.

Excel and similar programs treat a text that begins with =, +, -, @, a tab or a line end as a formula, which may start
programs or send neighbouring cells elsewhere (OWASP, "CSV Injection"). Such a text gets an apostrophe before it;
numbers do not.

This is only for files that people read: nothing removes the apostrophe. Files that return as a delivery (the form of a
chart review) contain no such text; see docs/decisions/0016-two-readers-of-a-chart.md.
"""

from __future__ import annotations

import re
from typing import Any

_FORMULA = re.compile(r"[=+\-@\t\r\n]")
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)*(?:[eE][+-]?\d+)?%?")


def is_formula(text: str) -> bool:
    """Would a spreadsheet treat this text as a formula?"""
    return len(text) > 1 and _FORMULA.match(text) is not None and not _NUMBER.fullmatch(text)


def harmless(cell: Any) -> Any:
    """Make a cell safe for a file that people open: mark a text that would be a formula as text."""
    return f"'{cell}" if isinstance(cell, str) and is_formula(cell) else cell
