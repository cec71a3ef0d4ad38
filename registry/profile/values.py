"""Texts in a column of results that are not numbers: marks next to a value, and texts instead of a value."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from registry.profile.discretion import ColumnValues, Privacy
from registry.profile.draft import Draft, quoted
from registry.profile.marks import is_number
from registry.profile.recognise import unit_dimension

_SIGN = r"(?:[(\[]?(?:[^\w\s<>=≤≥.,%()\[\]]|[A-Z]){1,2}[)\]]?)"
_FLAGGED = re.compile(rf"(?P<before>{_SIGN}(?<![+-]))?\s*(?P<number>[<>≤≥]?=?\s*[+-]?\d[\d.,]*)\s*(?P<behind>{_SIGN})?")


def without_marks(cell: str) -> str:
    """A value without a possible laboratory flag at either end."""
    flagged = _FLAGGED.fullmatch(cell)
    return flagged["number"].strip() if flagged else cell


@dataclass
class ValuesBeside:
    """The marks next to values, and the texts instead of values, in one table."""

    flags: ColumnValues = field(default_factory=ColumnValues)
    texts: ColumnValues = field(default_factory=ColumnValues)
    n_numbers: int = 0

    def add(self, cell: str, patient: int | None, privacy: Privacy) -> None:
        """Count one cell of a result."""
        if is_number(cell):
            self.n_numbers += 1
        elif flagged := _FLAGGED.fullmatch(cell):
            for mark in (flagged["before"], flagged["behind"]):
                if mark and unit_dimension(mark) is None:
                    self.flags.add(mark.strip("()[]") or mark, patient, privacy)
        else:
            self.texts.add(cell, patient, privacy)


def values_section(tables: Iterable[ValuesBeside], privacy: Privacy, draft: Draft) -> None:
    """The keys `flags` and `missing` as comments, for a person to decide."""
    flags: dict[str, int] = {}
    texts: dict[str, int] = {}
    n_hidden = 0
    for table in tables:
        for text, tally in table.flags.tallies.items():
            if tally.is_common:
                flags[text] = flags.get(text, 0) + tally.rows
        for text, tally in table.texts.tallies.items():
            if tally.is_common and table.n_numbers > tally.rows and privacy.allows(text):
                texts[text] = texts.get(text, 0) + tally.rows
            else:
                n_hidden += tally.rows
    for key, found, what in (("flags", flags, "marks next to a value"), ("missing", texts, "texts for no value")):
        if found:
            counts = ", ".join(f"{quoted(text)} {rows:,} rows" for text, rows in found.items())
            draft.decide(f"{key}: [{', '.join(map(quoted, found))}]   # {what}? Otherwise quarantined: {counts}")
    if n_hidden:
        draft.decide(f"results that are not numbers and not shown here: {n_hidden:,} rows; they will be quarantined")
