"""Keys that the registry composes where a site's exports have none, and the measurements of one day that share one.

A key is its parts, each with backslash and slash marked, joined by a slash; a time is one in any spelling. Where the
day of a result, dose or event is all that is known of its time, what one file says with other content under the same
parts is another measurement: the second is the key with "//2" behind it, and so on in the file's order.
A cancelled record of such a day has the number 0 until `cancellations` says what it takes back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime

from .judge import Row
from .model import KEYS

DAY_OF = {"lab_results": "collected_at", "administrations": "administered_on", "clinical_events": "onset_date"}
TIMES = {*DAY_OF.values(), "start_date", "end_date", "onset_from", "onset_to", "reviewed_on"}


def compose(rows: Sequence[Row], columns: Sequence[str]) -> dict[str, str]:
    """Give the rows of one file their keys; each key → the one that all measurements of its day share."""
    bases: dict[str, str] = {}
    told: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        if row.malformed:
            continue
        base = _base(row, columns)
        number = 1
        day_column = DAY_OF.get(row.entity)
        if base and day_column in columns and _is_day(row.cells[day_column]):
            others = told.setdefault(base, [])
            content = {c: cell for c, cell in row.cells.items() if c != KEYS[row.entity]}
            if row.cancelled:
                number = 0
            else:
                if content not in others:
                    others.append(content)
                number = others.index(content) + 1
        key = base if number == 1 else f"{base}//{number}"
        row.cells[KEYS[row.entity]] = key
        bases[key] = base
    return bases


def _base(row: Row, columns: Sequence[str]) -> str:
    parts = [row.cells[column] for column in columns]
    if not all(parts):
        return ""
    spelled = [_spelled(part) if column in TIMES else part for column, part in zip(columns, parts, strict=True)]
    return "/".join(re.sub(r"([\\/])", r"\\\1", part) for part in spelled)


def _spelled(text: str) -> str:
    try:
        return datetime.fromisoformat(text).isoformat()
    except ValueError:
        return text


def _is_day(text: str) -> bool:
    try:
        return bool(re.fullmatch(r"\d{4}-\d\d-\d\d", text)) and bool(date.fromisoformat(text))
    except ValueError:
        return False


def dropped(rows: Sequence[Row], bases: Mapping[str, str]) -> set[str]:
    """The keys of measurements that the last file with any of their day holds no more; rows in order of their files."""
    last: dict[str, tuple[str, str]] = {}
    last_of_day: dict[str, tuple[str, str]] = {}
    measured: set[str] = set()
    for row in rows:
        if not row.malformed and row.key in bases:
            last[row.key] = file_of(row)
            if not row.cancelled:
                last_of_day[bases[row.key]] = file_of(row)
                measured.add(row.key)
    return {key for key in measured if last[key] < last_of_day[bases[key]]}


def file_of(row: Row) -> tuple[str, str]:
    """The row's file, as files are ordered."""
    return row.delivery, row.file
