"""What of a delivered cell may be written down: the one place that decides it.

A proposal names local codes, units and drugs. A column may be misaligned or misread, so that a patient's name or
number stands where a code should; hence a text is written only where it can't be one patient's own:

- it stands in at least MIN_ROWS rows of at least MIN_PATIENTS different patients (of the delivered patients table,
  where there is one);
- it does not look like a number, a date, an identifier or free text;
- it is no patient id, and no word of a column of names, anywhere in the export;
- its column does not describe the patient: nearly every patient with several rows has one value, and there are many.

What is not written is counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from registry.propose.dates import read_date
from registry.propose.marks import is_number

MIN_ROWS = 3
MIN_PATIENTS = 3
MAX_DISTINCT = 2000
"""More different values than this are no codes."""
_ATTRIBUTE_SHARE = 0.9
_ATTRIBUTE_VALUES = 4
_ATTRIBUTE_VALUES_PER_PATIENT = 0.2

_STRENGTH = re.compile(r"\d+([.,]\d+)*\s*(mg|mcg|µg|ug|g|ml|ui|iu|mui|miu|mio|u)\b", re.IGNORECASE)


def looks_harmless(text: str) -> bool:
    """Whether a text has the form of a code, a unit or a product: no number, date, identifier, address or prose."""
    if not text or len(text) > 60 or not text.isprintable() or "@" in text or "//" in text:
        return False
    if is_number(text) or read_date(text) is not None:
        return False
    without_strength = _STRENGTH.sub(" ", text)
    if sum(character.isdigit() for character in without_strength) >= 5:
        return False
    if any(sum(map(str.isdigit, token)) >= 4 for token in re.findall(r"\w+", without_strength) if not token.isdigit()):
        return False
    return any(map(str.isalpha, text)) or not any(map(str.isdigit, text))


def _words(text: str) -> Iterable[int]:
    return (hash(word) for word in re.findall(r"[^\W\d_]{3,}", text.casefold()))


@dataclass
class Privacy:
    """Who is who in the export, as hashes: enough to tell that a text is a patient's own, and nothing more.

    `known` are the ids of the patients table; None where the export has none.
    """

    known: set[int] | None = None
    ids: set[int] = field(default_factory=set)
    names: set[int] = field(default_factory=set)

    def patient(self, text: str) -> int | None:
        """By what the patient of a row counts; None for one that is not in the patients table.

        Without that table an id counts from its second row on: in a shifted row, what stands in its place is new.
        """
        mark = hash(text)
        is_patient = mark in (self.ids if self.known is None else self.known)
        if text:
            self.ids.add(mark)
        return mark if text and is_patient else None

    def note_name(self, text: str) -> None:
        """Remember the words of a cell that holds somebody's name."""
        self.names.update(_words(text))

    def allows(self, text: str) -> bool:
        """Whether nothing in the text itself forbids to write it."""
        if not looks_harmless(text) or hash(text) in self.ids:
            return False
        return not self.names or not any(word in self.names for word in _words(text))


@dataclass
class Tally:
    """In how many rows a value stands, and the first few patients that it stands for."""

    rows: int = 0
    patients: set[int] = field(default_factory=set)

    def add(self, patient: int | None) -> None:
        """Count one row."""
        self.rows += 1
        if patient is not None and len(self.patients) < MIN_PATIENTS:
            self.patients.add(patient)

    @property
    def is_common(self) -> bool:
        """Whether rows and patients are enough."""
        return self.rows >= MIN_ROWS and len(self.patients) >= MIN_PATIENTS


@dataclass
class ColumnValues:
    """The different values of one column of one table, and whether they describe its patients."""

    tallies: dict[str, Tally] = field(default_factory=dict)
    n_more: int = 0
    _first: dict[int, int] = field(default_factory=dict)
    _several: set[int] = field(default_factory=set)
    _changed: set[int] = field(default_factory=set)

    def add(self, text: str, patient: int | None) -> None:
        """Count one cell that is not blank."""
        tally = self.tallies.get(text)
        if tally is None:
            if len(self.tallies) >= MAX_DISTINCT:
                self.n_more += 1
                return
            tally = self.tallies[text] = Tally()
        tally.add(patient)
        if patient is None:
            return
        mark = hash(text)
        if patient not in self._first:
            self._first[patient] = mark
        else:
            self._several.add(patient)
            if self._first[patient] != mark:
                self._changed.add(patient)

    @property
    def hidden_because(self) -> str | None:
        """Why nothing of the column may be written; None where its values may be."""
        if not self.tallies:
            return None
        if not self._first:
            return "no patient of its rows is known: deliver patients, and map patient_id"
        if self.n_more:
            return f"it holds more than {MAX_DISTINCT} different values"
        is_varied = len(self.tallies) > max(_ATTRIBUTE_VALUES, _ATTRIBUTE_VALUES_PER_PATIENT * len(self._first))
        if is_varied and len(self._changed) <= (1 - _ATTRIBUTE_SHARE) * len(self._several):
            return "each patient has a value of their own in it"
        return None
