"""Join date and time from two columns into one text that the macro `read_time` of dbt_project reads.

A time is converted only if its spelling is unambiguous. Any other is kept as sent after its date, which can't be read,
so that the row is quarantined.
"""

from __future__ import annotations

import re

from registry.config.input_contract import BLANKS

BEHIND_DATE = " T%H:%M:%S"
"""Appended to a date format if a date in the site's own spelling has a time from another column."""

_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_MIDNIGHT = re.compile(r"[T ]+(?:0{1,2}[:.]00(?:[:.]00(?:\.0+)?)?|12:00(?::00)? *AM)$", re.IGNORECASE)
_NO_DAY = re.compile(r"(?:1899-12-3[01]|1900-01-0[01]|1904-01-01|1970-01-01|0001-01-01|0 days?)[T ]+(.+)")
"""Days that spreadsheets and databases put before a time without a date."""
_TIME = re.compile(
    r"(?:ore |h |um )?(\d{1,2})(?:[:.,](\d\d)(?:[:.,](\d\d)(?:[.,]\d+)?)?|(?: ?h ?| h\. ?)(\d\d)?m?)"
    r"(?: ?(?:h|uhr|hrs?))?(?: ?([ap])\.?m\.?)?(z|[+-]\d\d(?::?\d\d)?)?",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"(\d{1,2})(\d\d)(\d\d)?")
_POINT = re.compile(r"0[.,]\d+")


def joined(date: str, time: str) -> str:
    """Date and time as one text; the date alone if there is no time."""
    date, time = date.strip(BLANKS), time.strip(BLANKS)
    day = _MIDNIGHT.sub("", date)
    if not date or not time:
        return day or time
    clock = _clock(time, day)
    if clock is None:
        return f"{day} {time}"
    if _ISO_DAY.fullmatch(day):
        return f"{day}T{clock}"
    if day.replace("T", " ").endswith(" " + clock) or day.replace("T", " ").endswith(" " + clock.removesuffix(":00")):
        return day
    return f"{day} T{clock}"


def _clock(text: str, day: str) -> str | None:
    """A time as HH:MM:SS, with its offset if it has one; None if its spelling is ambiguous.

    day: the date from the other column, which may be repeated before the time.
    """
    before = _NO_DAY.match(text)
    if before:
        text = before[1]
    elif text.startswith((f"{day} ", f"{day}T")):
        text = text[len(day) + 1 :]
    digits = _DIGITS.fullmatch(text)
    found = None if _POINT.fullmatch(text) else _TIME.fullmatch(text)
    if digits:
        hour, minute, second, half, offset = int(digits[1]), digits[2], digits[3] or "00", "", ""
    elif found:
        hour, minute, second = int(found[1]), found[2] or found[4] or "00", found[3] or "00"
        half, offset = (found[5] or "").lower(), found[6] or ""
    else:
        return None
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "p" else 0)
    if hour > 23 or int(minute) > 59 or int(second) > 59:
        return None
    return f"{hour:02}:{minute}:{second}{offset.upper()}"
