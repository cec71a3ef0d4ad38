"""Compose keys for records without one from other columns: the same key for the same record in any spelling.

Parts are escaped and joined by "/". If a key has only a day, and a file repeats it with other content, each record is a
separate measurement: the first has the key itself, the next ones are numbered, "//2", "//3". A cancellation has the
number 0: which measurement of the day it cancels depends on other files too (model `int_taken_back`). No
part is empty, so no other key ends like this. The macro `base_key` removes the number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from registry.config.input_contract import BLANKS, DATE_COLUMNS, MEASURED_ON, Entity, is_sheet_error
from registry.config.site import SiteProfile
from registry.config.terminology import folded_word, plain_characters
from registry.ingest.moment import moment
from registry.ingest.split_time import BEHIND_DATE

_ISO = re.compile(r"\d{4}-\d{2}-\d{2}")


def escaped(part: str) -> str:
    """Escape one part of a key, so that different parts never give the same key."""
    return part.replace("\\", "\\\\").replace("/", "\\/")


class KeyComposer:
    """Composes the keys of one file's records, in their order.

    midnight_is_a_day: a time of 00:00 means a day, because the file's column type can't hold a day without a time.
    """

    def __init__(self, entity: Entity, profile: SiteProfile, midnight_is_a_day: bool = False) -> None:
        formats = tuple(text.replace("%-", "%") for text in profile.csv.date_formats)
        self._day_formats = tuple(text for text in formats if not re.search("%[HIcX]", text))
        self._formats = (*formats, *(text + BEHIND_DATE for text in self._day_formats))
        self._midnight_is_a_day = midnight_is_a_day
        self._measured_on = MEASURED_ON.get(entity.name)
        self._compared = tuple(column for column in entity.columns if column != entity.key)
        self._cancelled = profile.cancelled_words
        self._missing = profile.missing_words
        self._seen: dict[str, list[int]] = {}

    def joined(self, cells: Mapping[str, str], columns: Sequence[str]) -> str:
        """The key made of these columns; "" if one of them is blank or a spreadsheet error."""
        parts = {column: self._text(cells, column) for column in columns}
        if not all(parts.values()) or any(map(is_sheet_error, parts.values())):
            return ""
        times = {column: self.moment(text) for column, text in parts.items() if column in DATE_COLUMNS}
        return "/".join(escaped(part) for part in (parts | times).values())

    def numbered(self, key: str, cells: Mapping[str, str], columns: Sequence[str]) -> str:
        """The key, numbered from its second content in this file on if it has only a day."""
        measured_on = self._measured_on
        if not key or measured_on is None or measured_on not in columns:
            return key
        if not self._is_day(self._text(cells, measured_on)):
            return key
        if folded_word(cells.get("status", "")) in self._cancelled:
            return f"{key}//0"
        content = hash(tuple(self._text(cells, column) for column in self._compared))
        known = self._seen.setdefault(key, [])
        if content not in known:
            known.append(content)
        number = known.index(content) + 1
        return key if number == 1 else f"{key}//{number}"

    def _text(self, cells: Mapping[str, str], column: str) -> str:
        """A cell without surrounding blanks; "" for the site's words for no value."""
        text = cells.get(column, "").strip(BLANKS)
        return "" if text.lower() in self._missing else text

    def _is_day(self, text: str) -> bool:
        """Whether a date has no time: 00:00 is a time, unless `midnight_is_a_day`."""
        if _ISO.match(text):
            is_midnight = self._midnight_is_a_day and moment(text, ()).endswith("T00:00:00")
            return _ISO.fullmatch(text) is not None or is_midnight
        return moment(text, self._day_formats) != text

    def moment(self, text: str) -> str:
        """A time in the spelling used in keys."""
        return moment(plain_characters(text).strip(), self._formats)
