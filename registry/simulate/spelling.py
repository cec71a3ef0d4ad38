"""Write one native cell in a hospital's dialect, as text or typed.

A cell that is not a date or number in the native format (a planted defect, a "<" before a value) keeps its text, so
that a defect is the same in every dialect.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import cache
from zoneinfo import ZoneInfo

from registry.simulate.dialects import Dialect

DAYS = frozenset(
    "birth_date ms_onset_date last_contact_date death_date start_date end_date administered_on onset_date onset_from "
    "onset_to reviewed_on".split()
)
TIMES = frozenset({"collected_at"})
NUMBERS = frozenset({"dose", "value", "reference_low", "reference_high"})

_LOINC = re.compile(r"\d+-\d")
_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:T(\d{2}):(\d{2}):(\d{2}))?")
_NUMBER = re.compile(r"([<>]?=?-?)(\d+)(?:\.(\d+))?")


class AsWritten(str):
    """A cell, as if typed by hand, that every dialect writes unchanged."""

    __slots__ = ()


def spell(dialect: Dialect, column: str, cell: str) -> str:
    """The text in the hospital's file for a native cell."""
    if not cell:
        return dialect.blanks.get(column, "")
    if isinstance(cell, AsWritten):
        return str(cell)
    if column in DAYS or column in TIMES:
        return _date(dialect, cell)
    if column in NUMBERS and (number := _NUMBER.fullmatch(cell)):
        is_flagged = bool(dialect.flag) and column == "value" and number[2] == "0" and "-" not in number[1]
        return _number(dialect, *number.groups(default="")) + (f" {dialect.flag}" if is_flagged else "")
    if column == "test_code":
        suffix = dialect.code_suffix if _LOINC.fullmatch(cell) else ""
        return dialect.tests[cell][0] if cell in dialect.tests else cell + suffix
    own = {"unit": dialect.units, "drug": dialect.drugs, **dialect.words}.get(column, dialect.texts)
    return own.get(cell, cell)


def typed(column: str, cell: str) -> str | float | date | datetime:
    """A native cell as a date, time or number; as text if it is none of these."""
    if isinstance(cell, AsWritten):
        return str(cell)
    if column in NUMBERS and (number := _NUMBER.fullmatch(cell)) and number[1] in ("", "-"):
        return float(cell)
    if (column in DAYS or column in TIMES) and _DATE.fullmatch(cell):
        try:
            return datetime.fromisoformat(cell) if "T" in cell else date.fromisoformat(cell)
        except ValueError:
            return cell
    return cell


def _number(dialect: Dialect, sign: str, whole: str, decimals: str) -> str:
    if dialect.thousands:
        whole = f"{int(whole):,}".replace(",", dialect.thousands)
    return sign + whole + (dialect.decimal + decimals if decimals else "")


def _date(dialect: Dialect, cell: str) -> str:
    """Convert a date as text, so that a day that does not exist is written like any other."""
    found = _DATE.fullmatch(cell)
    if found is None:
        return cell
    year, month, day, hour, minute, second = found.groups()
    if dialect.offset and hour:
        at = typed("collected_at", cell)
        return at.replace(tzinfo=_zone(dialect.time_zone)).isoformat() if isinstance(at, datetime) else cell
    # A laboratory that knows the time of only some samples: the choice is arbitrary but reproducible.
    dated = hour is None or (dialect.whole_days and int(minute) % 3 == 0)
    form = dialect.day if dated else dialect.time
    for mark, part in (("%Y", year), ("%m", month), ("%d", day), ("%H", hour), ("%M", minute), ("%S", second)):
        form = form.replace(mark, part or "")
    return form


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
