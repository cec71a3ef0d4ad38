"""`answer_key.json`: the expected disposition of every row, known because its defects were planted.

It names files and records, never a cell.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from registry.simulate.book import Written
from registry.simulate.folder import ANSWER_KEY

DISPOSITIONS = ("current", "superseded", "duplicate", "quarantined", "not_mapped")
_ABOUT = (
    "Answer key of these simulated deliveries, which contain no real patients: the disposition that each row must have "
    "once all files are loaded, as planted, not as found by any program. A file's place is <site>/<month>/<name>; a "
    "record's number counts the rows of its file from 1, without the header; in a wide table, each test of a record is "
    "a separate row. Rows that are not listed in rows are current. "
    "emptied_cells are cells of current rows whose content can't be used; contested are rows that leave a key without "
    "a current row although an earlier row of it could be used."
)


class AnswerKey:
    """Collects the answers file by file."""

    def __init__(self, arguments: Mapping[str, object]) -> None:
        self._head = {"about": _ABOUT, "synthetic": True, "simulated_with": dict(arguments)}
        self._files: list[dict[str, Any]] = []
        self._rows: list[dict[str, Any]] = []
        self._emptied: list[dict[str, Any]] = []
        self._contested: list[dict[str, Any]] = []

    def add(self, written: Written) -> None:
        """Add the answers of one file's rows."""
        place, entity, rows = written
        counts = Counter(row.disposition for _, _, row in rows)
        self._files.append(
            {"file": place, "entity": entity, "delivered": len(rows), **{name: counts[name] for name in DISPOSITIONS}}
        )
        for number, test, row in rows:
            where: dict[str, Any] = {"file": place, "record": number} | ({"test": test} if test else {})
            if row.disposition != "current":
                self._rows.append(where | {"disposition": row.disposition, "reasons": sorted(row.reasons)})
            self._emptied += [where | {"column": column, "defect": defect} for column, defect in row.emptied]
            if row.contested:
                self._contested.append(where)

    def write(self, out: Path, planted: Mapping[str, int], no_room: list[str]) -> None:
        """Write the answer key, one entry a line, so that it can be searched and compared as text."""
        parts: dict[str, Any] = {
            **self._head,
            "stories": dict(sorted(planted.items())),
            "no_room_for": sorted(no_room),
            "files": self._files,
            "rows": self._rows,
            "emptied_cells": self._emptied,
            "contested": self._contested,
        }
        with (out / ANSWER_KEY).open("w", encoding="utf-8", newline="") as file:
            file.writelines(_lines(parts))


def _lines(parts: Mapping[str, Any]) -> Iterator[str]:
    yield "{\n"
    for number, (name, part) in enumerate(parts.items(), 1):
        end = ",\n" if number < len(parts) else "\n"
        if isinstance(part, list) and part:
            listed = ",\n".join(f"    {json.dumps(entry)}" for entry in part)
            yield f"  {json.dumps(name)}: [\n{listed}\n  ]{end}"
        else:
            yield f"  {json.dumps(name)}: {json.dumps(part)}{end}"
    yield "}\n"
