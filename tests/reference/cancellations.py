"""What a cancelled record takes back whose key is composed of a day alone: one of the measurements of that day.

Its own file and those before it hold them, each as it was sent last: the one that the record repeats, else the one
whose value (dose, code) it states, its own file's first; where it states none, the only one that no value took back.
It is unclear where several fit, or where the value is none of theirs and its own file holds no measurement of that day.
An unclear one is held back, and so is what it could mean, until a later file holds that again or takes back one of the
day by its value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from . import codes, words
from .judge import Row, meant_test
from .keys import file_of
from .model import KEYS, Site

Value = tuple[object, ...]


def take_back(rows: Sequence[Row], bases: Mapping[str, str], site: Site) -> set[str]:
    """Give each such record the key of what it takes back; the keys that are held back.

    rows: in order of delivery and file, keys composed; bases: key → key of its day.
    """
    days: dict[str, list[Row]] = {}
    for row in rows:
        if not row.malformed and row.key in bases:
            days.setdefault(bases[row.key], []).append(row)
    return {key for day in days.values() for key in _held_of(day, site)}


def _held_of(day: Sequence[Row], site: Site) -> set[str]:
    measured = [row for row in day if not row.cancelled and _is_measurement(row)]
    cancelled = [row for row in day if row.cancelled and row.key.endswith("//0")]
    unclear: list[tuple[Row, set[str]]] = []
    by_value: list[tuple[Row, str]] = []
    for row in sorted(cancelled, key=lambda row: not _values(row, site)):  # those that state a value first
        known = {m.key: m for m in measured if file_of(m) <= file_of(row)}
        states = bool(_values(row, site))
        alike = _alike(row, known.values(), site)
        if states or alike:
            is_restated = any(file_of(m) == file_of(row) for m in known.values())
            meant = {m.key for m in alike} if alike else set() if is_restated else set(known)
        else:
            meant = {key for key, m in known.items() if not _was_taken(m, row, by_value)}
        if len(meant) > 1 or (meant and states and not alike):
            row.hold("unclear_cancellation")
            unclear.append((row, meant))
        elif meant:
            (key,) = meant
            row.cells[KEYS[row.entity]] = key
            if states:
                by_value.append((row, key))
    held = set()
    for row, keys in unclear:
        if not any(file_of(other) > file_of(row) for other, _ in by_value):
            by_row = {key for key in keys if all(file_of(r) <= file_of(row) for r in day if r.key == key)}
            row.holds_back = bool(by_row)
            held |= by_row
    return held


def _was_taken(measurement: Row, row: Row, by_value: Iterable[tuple[Row, str]]) -> bool:
    return any(
        key == measurement.key and file_of(measurement) <= file_of(taker) <= file_of(row) for taker, key in by_value
    )


def _alike(row: Row, known: Iterable[Row], site: Site) -> list[Row]:
    """The first that there are of: the same record in its own file, in another; the same value there, in another."""
    same = [m for m in known if _content(m) == _content(row)] if _is_measurement(row) else []
    equal = [m for m in known if m not in same and _is_same_value(row, m, site)]
    for group in (same, equal):
        here = [m for m in group if file_of(m) == file_of(row)]
        if here or group:
            return here or group
    return []


def _content(row: Row) -> dict[str, str]:
    return {column: cell for column, cell in row.cells.items() if column not in (KEYS[row.entity], "status")}


def _is_measurement(row: Row) -> bool:
    """A result has a value; a dose or an event is one whatever it says."""
    return row.entity != "lab_results" or bool(row.cells["value"])


def _is_same_value(one: Row, other: Row, site: Site) -> bool:
    ours, theirs = _values(one, site), _values(other, site)
    if not ours or not theirs:
        return False
    if len(ours) == len(theirs) == 2:
        return ours[1] == theirs[1]
    return ours[0] == theirs[0]


def _values(row: Row, site: Site) -> list[Value]:
    """What it states: the value as sent and, where its unit fits the test, as a quantity; [] where there is none."""
    if row.entity == "administrations":
        if codes.says_nothing_given(row.cells["dose"]):
            return [(0,)]
        dose = codes.read_dose(row.cells["dose"])
        return [] if dose is None else [(dose,)]
    if row.entity == "clinical_events":
        return [(row.cells["code"],)] if row.cells["code"] else []
    read = codes.read_value(words.without_flags(row.cells["value"], site))
    if read is None:
        return []
    _, analyte = meant_test(row.cells, site)
    unit = codes.resolve_unit(codes.unit_of(row.cells, site), site)
    if analyte and unit and unit[0] == codes.DIMENSION[analyte]:
        return [read, (analyte, read[0], codes.six_places(read[1] * unit[1]))]
    return [read]
