"""Format of a site's CSV files, and of the numbers and dates in its cells: the key `csv` of its site.yml."""

from __future__ import annotations

import datetime as dt
import itertools
import re
from typing import Annotated

from pydantic import AfterValidator, model_validator

from registry.config.wide_layout import named_once
from registry.config.yaml_file import YamlModel

_DATE_DIRECTIVES = frozenset("dmYyHMSfbBpIzj%")
_PART_OF = {"d": "mbB", "M": "HI", "S": "M", "f": "S", "I": "p", "p": "I"}
"""Parts of a date or time, each with the parts of which it needs one as well."""
_TELLING_DAYS = [
    dt.datetime(1900 + year, month, day) for year, month, day in ((103, 4, 5), (111, 12, 10), (112, 10, 11))
]
"""Days whose parts can be confused with each other."""


def _text_encoding(name: str) -> str:
    try:
        "".encode(name)
        b"".decode(name)
    except (LookupError, UnicodeError, ValueError):
        raise ValueError(f"unknown encoding '{name}'; known: utf-8, latin-1, cp1252, utf-16") from None
    return name


def _delimiter(mark: str) -> str:
    mark = {"\\t": "\t", "tab": "\t"}.get(mark, mark)
    if len(mark) != 1 or not mark.isascii() or mark.isalnum() or mark in ' "\r\n\0':
        raise ValueError('write one character, such as ";" or ","  (a tab as "\\t")')
    return mark


def _number_mark(mark: str) -> str:
    if len(mark) != 1 or mark.isalnum() or mark in "+-<>=≤≥\r\n\0_":
        raise ValueError("write one character that is not a digit, letter or sign")
    return mark


def _date_format(text: str) -> str:
    """Check that a strptime format has a year and reads back what it writes."""
    directives = re.findall(r"%-?(.?)", text)
    unknown = next((d for d in directives if d not in _DATE_DIRECTIVES), None)
    if unknown is not None:
        raise ValueError(f"'{text}' is not a strptime format: %{unknown} is unknown")
    if not {"Y", "y"} & set(directives):
        raise ValueError(f"'{text}' has no year (%Y); write for example %d/%m/%Y")
    part = next((p for p, whole in _PART_OF.items() if p in directives and not set(whole) & set(directives)), None)
    if part:
        raise ValueError(f"'{text}' has %{part} without %{_PART_OF[part][0]}; write for example %d/%m/%Y %H:%M")
    plain = text.replace("%-", "%")
    try:
        dt.datetime.strptime(dt.datetime(2021, 11, 23, 14, 5, 6).strftime(plain), plain)
    except (ValueError, re.error):
        raise ValueError(f"'{text}' is not a strptime format; write for example %d/%m/%Y") from None
    return text


def _read_in_one_way(formats: tuple[str, ...]) -> tuple[str, ...]:
    """The formats. Raises ValueError if two of them read the same text as two dates."""
    plain = {text: text.replace("%-", "%") for text in named_once(formats)}
    for text, other in itertools.permutations(formats, 2):
        for day in _TELLING_DAYS:
            written = day.strftime(plain[text])
            try:
                read = dt.datetime.strptime(written, plain[other])
                meant = dt.datetime.strptime(written, plain[text])
            except ValueError:
                continue
            if read.date() != meant.date() and 1900 <= read.year < 2100:
                raise ValueError(
                    f"'{text}' and '{other}' read '{written}' as two different dates: give only the one that the "
                    "site uses"
                )
    return formats


class CsvProfile(YamlModel):
    """Format of the site's CSV files, and of the numbers and dates in its cells."""

    encoding: Annotated[str, AfterValidator(_text_encoding)] = "utf-8"
    delimiter: Annotated[str, AfterValidator(_delimiter)] = ","
    decimal: Annotated[str, AfterValidator(_number_mark)] = "."
    thousands: Annotated[str, AfterValidator(_number_mark)] | None = None
    date_formats: Annotated[
        tuple[Annotated[str, AfterValidator(_date_format)], ...], AfterValidator(_read_in_one_way)
    ] = ()

    @model_validator(mode="after")
    def _marks_differ(self) -> CsvProfile:
        if self.decimal == self.thousands:
            raise ValueError("thousands is the same character as decimal")
        return self
