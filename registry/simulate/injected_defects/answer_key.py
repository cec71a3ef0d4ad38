"""`answer_key.json`: what must become of every row that was written, known because it was planted.

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
    "The answers to these simulated deliveries: no patient is behind them. What becomes of each row when all files "
    "are loaded, as it was planted, not as any program found it. A file's place is <site>/<month>/<name>; a record's "
    "number counts the rows of its file from 1, header apart; of a wide table each test that a record holds is a row "
    "of its own. Every row that is not listed in rows is current. "
    "emptied_cells are cells of current rows whose content can't be used; contested are rows that leave a key without "
    "a current row although an earlier row of it could be used."
)


class AnswerKey:
    """Gathers the answers file by file."""

    def __init__(self, arguments: Mapping[str, object]) -> None:
        self._head = {"about": _ABOUT, "synthetic": True, "simulated_with": dict(arguments)}
        self._files: list[dict[str, Any]] = []
        self._rows: list[dict[str, Any]] = []
        self._emptied: list[dict[str, Any]] = []
        self._contested: list[dict[str, Any]] = []

    def add(self, written: Written) -> None:
        """Take the answers of one file's rows."""
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
        """Write the key, one entry a line, so that it can be searched and compared as text."""
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
