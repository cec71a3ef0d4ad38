"""Cells of the CSV files that we write, so that a spreadsheet shows what was delivered and computes nothing.

A text that begins with =, +, -, @, a tab or a line end is a formula to Excel and its like, and may start programs or
send what stands beside it elsewhere (OWASP, "CSV Injection"). It is written with an apostrophe before it. Numbers stay.

For reading alone: nothing takes the apostrophe off again. A file that comes back as a delivery (the form of a chart
review) holds no such text instead; why: docs/decisions/0016-two-readers-of-a-chart.md.
"""

from __future__ import annotations

import re
from typing import Any

_FORMULA = re.compile(r"[=+\-@\t\r\n]")
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)*(?:[eE][+-]?\d+)?%?")


def is_formula(text: str) -> bool:
    """Would a spreadsheet take this text for a formula?"""
    return len(text) > 1 and _FORMULA.match(text) is not None and not _NUMBER.fullmatch(text)


def harmless(cell: Any) -> Any:
    """The cell as it may be written into a file that people open: a text that would be a formula is marked as text."""
    return f"'{cell}" if isinstance(cell, str) and is_formula(cell) else cell
