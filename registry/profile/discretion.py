"""Decide which texts from delivered cells a proposal may contain.

A proposal names local codes, units and drugs. If a column is misread or a row misaligned, a patient's name or number
may be in the place of a code. So a text is written only if it can't belong to a single patient:

- it occurs in at least MIN_ROWS rows of at least MIN_PATIENTS different patients. Only sound rows count: their date is
  a date, and their patient is in the export's patients table (without one: occurs in another row as well);
- it does not look like a number, a date, an identifier or free text (a LOINC code may stand in a column of test codes);
- it is not a patient id, and contains no word from a column of names, anywhere in the export;
- its column is plausible: the registry knows the values of some rows (KNOWN_SHARE), and the column does not describe
  the patient (nearly every patient with several rows has one value, and there are many values);
- a test's code has one test's name (NAME_SHARE), if the export has names.

All other texts are only counted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from registry.profile.dates import read_date
from registry.profile.marks import is_number

MIN_ROWS = 3
MIN_PATIENTS = 3
MAX_DISTINCT = 2000
"""A column with more different values does not contain codes."""
MAX_PATIENTS = 1_000_000
KNOWN_SHARE = 0.05
NAME_SHARE = 0.8
_ATTRIBUTE_SHARE = 0.9
_ATTRIBUTE_VALUES = 4
_ATTRIBUTE_VALUES_PER_PATIENT = 0.2

_STRENGTH = re.compile(r"\d+([.,]\d+)*\s*(mg|mcg|µg|ug|g|ml|ui|iu|mui|miu|mio|u)\b", re.IGNORECASE)


def looks_harmless(text: str) -> bool:
    """Whether a text has the form of a code, unit or product, not of a number, date, identifier, address or prose."""
    if not text or len(text) > 60 or not text.isprintable() or "@" in text or "//" in text:
        return False
    if is_number(text) or read_date(text) is not None:
        return False
    without_strength = _STRENGTH.sub(" ", text)
    if sum(character.isdigit() for character in without_strength) >= 5:
        return False
    if any(sum(map(str.isdigit, token)) >= 4 for token in without_strength.replace("1000", "").split()):
        return False
    return any(map(str.isalpha, text)) or not any(map(str.isdigit, text))


def is_loinc(text: str) -> bool:
    """Whether a text is a LOINC code, by form and check digit."""
    if not re.fullmatch(r"\d{1,5}-\d", text):
        return False
    digits = [int(digit) for digit in reversed(text[:-2])]
    doubled = [digit * 2 if place % 2 == 0 else digit for place, digit in enumerate(digits)]
    return (10 - sum(number // 10 + number % 10 for number in doubled) % 10) % 10 == int(text[-1])


def _words(text: str) -> Iterable[int]:
    return (hash(word) for word in re.findall(r"[^\W\d_]{3,}", text.casefold()))


@dataclass
class Privacy:
    """Patient ids and names in the export, as hashes: just enough to recognise a text that belongs to a patient.

    `known`: the ids in the patients table; None if the export has none. `ids`: those seen anywhere; `seen_again`: those
    in more than one row. Beyond MAX_PATIENTS, no id counts as a patient's.
    """

    known: set[int] | None = None
    ids: set[int] = field(default_factory=set)
    seen_again: set[int] = field(default_factory=set)
    names: set[int] = field(default_factory=set)

    def patient(self, text: str) -> int | None:
        """The hash by which a row's patient is counted; None if there is a patients table without this patient."""
        if not text:
            return None
        mark = hash(text)
        if mark in self.ids:
            self.seen_again.add(mark)
        elif len(self.ids) < MAX_PATIENTS:
            self.ids.add(mark)
        else:
            return None
        return mark if self.known is None or mark in self.known else None

    def is_patient(self, mark: int) -> bool:
        """Whether an id is a patient's, from the rows read so far: in a misaligned row it occurs only once."""
        return mark in (self.seen_again if self.known is None else self.known)

    def is_an_id(self, text: str) -> bool:
        """Whether the text occurs as a patient's id."""
        return hash(text) in self.ids

    def note_name(self, text: str) -> None:
        """Remember the words of a cell with a person's name."""
        self.names.update(_words(text))

    def allows(self, text: str) -> bool:
        """Whether the text itself may be written."""
        if not looks_harmless(text) or self.is_an_id(text):
            return False
        return not self.names or not any(word in self.names for word in _words(text))


@dataclass
class Tally:
    """The number of rows of a value, and its first few patients."""

    rows: int = 0
    patients: set[int] = field(default_factory=set)

    def note_patient(self, patient: int) -> None:
        """Remember one of its patients, up to the number that matters."""
        if len(self.patients) < MIN_PATIENTS:
            self.patients.add(patient)

    @property
    def is_common(self) -> bool:
        """Whether it has enough rows and patients."""
        return self.rows >= MIN_ROWS and len(self.patients) >= MIN_PATIENTS


@dataclass
class ColumnValues:
    """The different values of one column of one table, and whether they describe its patients."""

    tallies: dict[str, Tally] = field(default_factory=dict)
    n_more: int = 0
    _first: dict[int, Tally] = field(default_factory=dict)
    _waiting: dict[int, Tally] = field(default_factory=dict)
    _several: set[int] = field(default_factory=set)
    _changed: set[int] = field(default_factory=set)

    def add(self, text: str, patient: int | None, privacy: Privacy) -> None:
        """Count one cell that is not blank; it waits if its row's id may still turn out to be a patient's."""
        tally = self.tallies.get(text)
        if tally is None:
            if len(self.tallies) >= MAX_DISTINCT:
                self.n_more += 1
                return
            tally = self.tallies[text] = Tally()
        tally.rows += 1
        if patient is None:
            return
        if privacy.is_patient(patient):
            self._of_patient(patient, tally)
        else:
            self._waiting[patient] = tally

    def _of_patient(self, patient: int, tally: Tally) -> None:
        tally.note_patient(patient)
        if patient not in self._first:
            self._first[patient] = tally
        else:
            self._several.add(patient)
            if self._first[patient] is not tally:
                self._changed.add(patient)

    def settle(self, privacy: Privacy) -> None:
        """Count the waiting cells; call this once, after everything has been read."""
        waiting, self._waiting = self._waiting, {}
        for patient, tally in waiting.items():
            if privacy.is_patient(patient):
                self._of_patient(patient, tally)

    def hidden_because(self, is_known: Callable[[str], bool]) -> str | None:
        """Why the column's values may not be written; None if they may.

        is_known: whether the registry knows or recognises a text.
        """
        if not self.tallies:
            return None
        if not self._first:
            return "none of its rows has a known patient and a date"
        if self.n_more:
            return f"it has more than {MAX_DISTINCT} different values"
        n_rows = sum(tally.rows for tally in self.tallies.values())
        if sum(tally.rows for text, tally in self.tallies.items() if is_known(text)) < KNOWN_SHARE * n_rows:
            return "hardly any of its values are known: is it the right column?"
        is_varied = len(self.tallies) > max(_ATTRIBUTE_VALUES, _ATTRIBUTE_VALUES_PER_PATIENT * len(self._first))
        if is_varied and len(self._changed) <= (1 - _ATTRIBUTE_SHARE) * len(self._several):
            return "each patient has a different value"
        return None
