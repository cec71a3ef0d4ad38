"""Keys of records that have none of their own: made of other columns, the same for the same record in any spelling.

Parts are escaped and joined by "/". Where a key has only a day, and a file repeats it with other content, each is a
measurement of its own: the first has the key itself, the next ones are numbered, "//2", "//3". A cancellation has the
number 0: which measurement of the day it takes back depends on other files too (model int_taken_back). No
part is empty, so no other key ends so. The macro `base_key` takes the number off again.
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
    """Part of a key that "/" joins, so that different parts never make one key."""
    return part.replace("\\", "\\\\").replace("/", "\\/")


class KeyComposer:
    """Composes the keys of one file's records, in their order.

    midnight_is_a_day: a time of 00:00 means a day, since the file's type of column has no other way to write one.
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
        """The key of these columns as they stand; "" where one of them is blank or an error of a spreadsheet."""
        parts = {column: self._text(cells, column) for column in columns}
        if not all(parts.values()) or any(map(is_sheet_error, parts.values())):
            return ""
        times = {column: self.moment(text) for column, text in parts.items() if column in DATE_COLUMNS}
        return "/".join(escaped(part) for part in (parts | times).values())

    def numbered(self, key: str, cells: Mapping[str, str], columns: Sequence[str]) -> str:
        """The key, with a number from the second content on that this file has under it, where it has only a day."""
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
        """A cell without surrounding blanks; "" too where it is one of the site's words for no value."""
        text = cells.get(column, "").strip(BLANKS)
        return "" if text.lower() in self._missing else text

    def _is_day(self, text: str) -> bool:
        """Whether a date has no time: 00:00 is one, unless the file's type of column knows no days."""
        if _ISO.match(text):
            is_midnight = self._midnight_is_a_day and moment(text, ()).endswith("T00:00:00")
            return _ISO.fullmatch(text) is not None or is_midnight
        return moment(text, self._day_formats) != text

    def moment(self, text: str) -> str:
        """A time in the spelling that keys have."""
        return moment(plain_characters(text).strip(), self._formats)
