"""Write a time in one spelling, so that typed cells and text, or two names of a month, give a draw the same key.

The macros in dbt_project/macros/read_dates.sql read the cells themselves, by the same rules.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Sequence
from contextlib import suppress

from registry.config import terminology

_ISO = re.compile(r"\d{4}-\d{2}-\d{2}")
_WORD = re.compile(r"[^\W\d_]+")
_MONTH_NAME = re.compile(r"%[bB]")
_DAY = re.compile(r"%[dj]")


def moment(text: str, date_formats: Sequence[str]) -> str:
    """The time as ISO 8601; a text without a full date stays as it is.

    date_formats: the site's own, without `-` flags. Formats without a day are for partial dates and are not used.
    """
    if _ISO.match(text):
        with suppress(ValueError):
            return dt.datetime.fromisoformat(text).isoformat()
    for date_format in date_formats:
        if _DAY.search(date_format):
            with suppress(ValueError):
                return dt.datetime.strptime(*with_month_number(text, date_format)).isoformat()
    return text


def with_month_number(text: str, date_format: str) -> tuple[str, str]:
    """Replace the name of a month by its number, in text and format; ValueError if the text has no month there."""
    if not _MONTH_NAME.search(date_format):
        return text, date_format
    text = re.sub(r"([^\W\d_])\.(\D|$)", r"\1\2", unicodedata.normalize("NFC", text))
    before = _MONTH_NAME.split(date_format)[0].replace("%p", "am")
    position = len(_WORD.findall(re.sub(r"%[A-Za-z%]", " ", before)))
    words = _WORD.findall(text)
    month = terminology.month(words[position]) if position < len(words) else None
    if month is None:
        raise ValueError("no month")
    plain = re.sub(r"(%[bB])\.(?!%)", r"\1", date_format)
    return text.replace(words[position], str(month)), _MONTH_NAME.sub("%m", plain)
