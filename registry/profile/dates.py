"""Detect a site's date formats from its cells. The order of day and month is never guessed.

ISO dates need no format. A cell such as 31/12/2024, in any column, decides the order for its shape (separator and
length of the year); if no cell decides, both orders are proposed and neither is used.
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from registry.config import terminology

_ISO = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}(:?\d{2})?)?)?")
_YEAR, _MONTH, _UNKNOWN = r"(?:19|20)\d{2}", r"(?:0?[1-9]|1[0-2])", r"(?:00|XX|xx|\?\?|UNK?)"
_PARTIAL = re.compile(
    rf"({_YEAR}([-/.]{_MONTH}([-/.]{_UNKNOWN})?|([-/.]{_UNKNOWN}){{1,2}})?|({_UNKNOWN}[-/. ])?{_MONTH}[-/.]{_YEAR}"
    rf"|{_MONTH}[-/.]{_UNKNOWN}[-/.]{_YEAR}|({_UNKNOWN}[-/. ]){{1,2}}{_YEAR}"
    rf"|({_UNKNOWN}[-/. ])?(?P<month>[^\W\d_]{{3,10}})\.?(?: de |[-/. ]){_YEAR})([T ]00:00(:00)?)?"
)
_TIME = (
    r"(?P<time>(?P<gap>T| +)(?P<hour>\d{1,2})(?P<colon>[:.])\d{2}"
    r"((?P=colon)\d{2}(?P<part>\.\d{1,9})?)?(?P<half> ?[AaPp][Mm])?)?"
)
_TWO_FIRST = re.compile(r"(?P<a>\d{1,2})(?P<mark>[/.-])(?P<b>\d{1,2})(?P=mark)(?P<year>\d{4}|\d{2})" + _TIME)
_YEAR_FIRST = re.compile(r"(?P<year>\d{4})(?P<mark>[/.-])(?P<a>\d{1,2})(?P=mark)(?P<b>\d{1,2})" + _TIME)
_COMPACT = re.compile(r"(19|20)\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?P<time>([01]\d|2[0-3])[0-5]\d([0-5]\d)?)?")
_WORDED = re.compile(
    r"(?P<a>\d{1,2})(?P<before>\.? de |\. | - |[ /.-])(?P<month>[^\W\d_]{3,10})\.?(?P<after> de | - |[ /.-])"
    r"(?P<year>\d{4}|\d{2})" + _TIME
)
_ORDERS = {"day": "%d{0}%m{0}", "month": "%m{0}%d{0}"}


class Shape(NamedTuple):
    """The shape of a date: its strptime format, with {order} if day and month may be in either order.

    `family`: the separator and the year's directive, shared by all shapes whose order is decided together.
    """

    family: str
    form: str

    @property
    def is_open(self) -> bool:
        """Whether the order of day and month is open."""
        return "{order}" in self.form


class Reading(NamedTuple):
    """A cell's shape, and the first part of the order that it proves (day, month or None)."""

    shape: Shape
    proves: str | None = None


NATIVE = Shape("", "")
PARTIAL = Shape("", "YYYY")
"""A year, or year and month, with unknown parts as 00 or XX or left out: read without a format, as in SQL."""
MAY_BE_PARTIAL = frozenset("birth_date ms_onset_date last_contact_date death_date start_date end_date".split())
"""The columns whose dates may be partial; all others need the day."""


@functools.lru_cache(maxsize=65_536)
def read_date(cell: str) -> Reading | None:
    """The shape of a cell's date; None if it can't be read as one."""
    for pattern, reading in _READINGS:
        if found := pattern.fullmatch(cell):
            return reading(found)
    return None


def _two_first(found: re.Match[str]) -> Reading | None:
    first, second = int(found["a"]), int(found["b"])
    if not (1 <= min(first, second) <= 12 and max(first, second) <= 31):
        return None
    year = _year(found)
    proves = "day" if first > 12 else "month" if second > 12 else None
    return Reading(Shape(found["mark"] + year, "{order}" + year + _time(found)), proves)


def _year_first(found: re.Match[str]) -> Reading | None:
    form = f"%Y{found['mark']}%m{found['mark']}%d{_time(found)}"
    return _fixed(form, int(found["a"]), int(found["b"]))


def _partial(found: re.Match[str]) -> Reading | None:
    word = found["month"]
    return Reading(PARTIAL) if word is None or terminology.month(word) else None


def _compact(found: re.Match[str]) -> Reading | None:
    return _fixed("%Y%m%d" + {0: "", 4: "%H%M", 6: "%H%M%S"}[len(found["time"] or "")], 1, 1)


def _worded(found: re.Match[str]) -> Reading | None:
    if terminology.month(found["month"]) is None:
        return None
    name = "%b" if len(found["month"]) <= len("sept") else "%B"  # either reads both
    form = f"%d{found['before']}{name}{found['after']}{_year(found)}{_time(found)}"
    return _fixed(form, 1, int(found["a"]))


_READINGS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Reading | None]], ...] = (
    (_ISO, lambda _: Reading(NATIVE)),
    (_PARTIAL, _partial),
    (_TWO_FIRST, _two_first),
    (_YEAR_FIRST, _year_first),
    (_COMPACT, _compact),
    (_WORDED, _worded),
)


def _fixed(form: str, month: int, day: int) -> Reading | None:
    return Reading(Shape(form, form)) if 1 <= month <= 12 and 1 <= day <= 31 else None


def _year(found: re.Match[str]) -> str:
    return "%Y" if len(found["year"]) == 4 else "%y"


def _time(found: re.Match[str]) -> str:
    if not found["time"]:
        return ""
    colon, half = found["colon"], found["half"]
    n_parts = found["time"].count(colon) - (1 if found["part"] and colon == "." else 0)
    text = ("T" if found["gap"] == "T" else " ") + ("%I" if half else "%H") + colon + "%M"
    text += f"{colon}%S" if n_parts > 1 else ""
    text += ".%f" if found["part"] else ""
    return text + ((" " if half.startswith(" ") else "") + "%p" if half else "")


@dataclass
class OpenDates:
    """A family of dates whose order of day and month is not certain. `formats`: for either order.

    The numbers count cells; `columns`: the contract's columns in which the order was proved.
    """

    family: str
    formats: dict[str, list[str]]
    n_cells: int
    n_day_first: int
    n_month_first: int
    columns: dict[str, set[str]]


@dataclass
class DateEvidence:
    """Evidence from the cells of date columns. `add` takes cells of `entity.column`; blank ones are ignored."""

    shapes: Counter[Shape] = field(default_factory=Counter)
    proofs: Counter[tuple[str, str]] = field(default_factory=Counter)
    proved_in: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    unread: Counter[str] = field(default_factory=Counter)

    def add(self, cell: str, column: str) -> None:
        """Count one cell."""
        reading = read_date(cell)
        if reading is None or (reading.shape == PARTIAL and column.rpartition(".")[2] not in MAY_BE_PARTIAL):
            self.unread[column] += 1
            return
        self.shapes[reading.shape] += 1
        if reading.proves:
            self.proofs[reading.shape.family, reading.proves] += 1
            self.proved_in.setdefault((reading.shape.family, reading.proves), set()).add(column)

    def decided(self) -> list[str]:
        """The certain formats, the most frequent first."""
        formats = []
        for shape, _ in self.shapes.most_common():
            order = self._order(shape.family) if shape.is_open else "day"
            if shape not in (NATIVE, PARTIAL) and order:
                formats.append(_format(shape, order))
        return formats

    def undecided(self) -> list[OpenDates]:
        """The families whose order of day and month the cells leave open, or on which they disagree."""
        families = dict.fromkeys(s.family for s, _ in self.shapes.most_common() if s.is_open)
        return [self._open(family) for family in families if self._order(family) is None]

    @property
    def has_short_years(self) -> bool:
        """Whether years have two digits."""
        return any("%y" in shape.form for shape in self.shapes)

    def _order(self, family: str) -> str | None:
        day, month = self.proofs[family, "day"], self.proofs[family, "month"]
        if bool(day) == bool(month):
            return None
        return "day" if day else "month"

    def _open(self, family: str) -> OpenDates:
        shapes = {shape: n for shape, n in self.shapes.most_common() if shape.family == family and shape.is_open}
        return OpenDates(
            family=family,
            formats={order: [_format(shape, order) for shape in shapes] for order in _ORDERS},
            n_cells=sum(shapes.values()),
            n_day_first=self.proofs[family, "day"],
            n_month_first=self.proofs[family, "month"],
            columns={order: self.proved_in.get((family, order), set()) for order in _ORDERS},
        )


def _format(shape: Shape, order: str) -> str:
    return shape.form.replace("{order}", _ORDERS[order].format(shape.family[0])) if shape.is_open else shape.form
