"""What of a delivered cell may be written down: the one place that decides it.

A proposal names local codes, units and drugs. A column may be misread, a row misaligned, so that a patient's name or
number stands where a code should; hence a text is written only where it can't be one patient's own:

- it stands in at least MIN_ROWS rows of at least MIN_PATIENTS different patients. Only sound rows count: their date is
  a date, their patient is in the export's patients table (without one: stands in another row as well);
- it does not look like a number, a date, an identifier or free text;
- it is no patient id, and holds no word of a column of names, anywhere in the export;
- its column holds what it should: some of its rows hold what the registry knows (KNOWN_SHARE), and it does not
  describe the patient (nearly every patient with several rows has one value, and there are many);
- a test's code goes with one test's name (NAME_SHARE), where the export has names.

What is not written is counted.
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
"""More different values than this are no codes."""
MAX_PATIENTS = 1_000_000
KNOWN_SHARE = 0.05
NAME_SHARE = 0.8
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
    if any(sum(map(str.isdigit, token)) >= 4 for token in without_strength.replace("1000", "").split()):
        return False
    return any(map(str.isalpha, text)) or not any(map(str.isdigit, text))


def _words(text: str) -> Iterable[int]:
    return (hash(word) for word in re.findall(r"[^\W\d_]{3,}", text.casefold()))


@dataclass
class Privacy:
    """Who is who in the export, as hashes: enough to tell that a text is a patient's own, and nothing more.

    `known` are the ids of the patients table; None where the export has none. `ids` are those seen anywhere,
    `seen_again` those in more than one row. Beyond MAX_PATIENTS no id is taken for a patient's.
    """

    known: set[int] | None = None
    ids: set[int] = field(default_factory=set)
    seen_again: set[int] = field(default_factory=set)
    names: set[int] = field(default_factory=set)

    def patient(self, text: str) -> int | None:
        """By what the patient of a row counts; None for one that is not in the patients table, where there is one."""
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
        """Whether an id is a patient's, as far as the rows read so far tell: in a row out of place it stands alone."""
        return mark in (self.seen_again if self.known is None else self.known)

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

    def note_patient(self, patient: int) -> None:
        """Remember whom it stands for, as far as it matters."""
        if len(self.patients) < MIN_PATIENTS:
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
    _first: dict[int, Tally] = field(default_factory=dict)
    _waiting: dict[int, Tally] = field(default_factory=dict)
    _several: set[int] = field(default_factory=set)
    _changed: set[int] = field(default_factory=set)

    def add(self, text: str, patient: int | None, privacy: Privacy) -> None:
        """Count one cell that is not blank; one of an id that may yet prove to be a patient's waits."""
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
        """Count what waited; to be called once, when everything has been read."""
        waiting, self._waiting = self._waiting, {}
        for patient, tally in waiting.items():
            if privacy.is_patient(patient):
                self._of_patient(patient, tally)

    def hidden_because(self, is_known: Callable[[str], bool]) -> str | None:
        """Why nothing of the column may be written; None where its values may be.

        is_known: whether a text is one that the registry knows or recognises.
        """
        if not self.tallies:
            return None
        if not self._first:
            return "none of its rows has a known patient and a date"
        if self.n_more:
            return f"it holds more than {MAX_DISTINCT} different values"
        n_rows = sum(tally.rows for tally in self.tallies.values())
        if sum(tally.rows for text, tally in self.tallies.items() if is_known(text)) < KNOWN_SHARE * n_rows:
            return "hardly any of its values is known: is it the right column?"
        is_varied = len(self.tallies) > max(_ATTRIBUTE_VALUES, _ATTRIBUTE_VALUES_PER_PATIENT * len(self._first))
        if is_varied and len(self._changed) <= (1 - _ATTRIBUTE_SHARE) * len(self._several):
            return "each patient has a value of their own in it"
        return None
