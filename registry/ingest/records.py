"""Delimited text into records: the exact reading, which DuckDB's fast one is held to by a property test.

A record ends at a line end outside quotes. A field is quoted where its first character (spaces aside) is a
quote; a quote elsewhere is plain text. Lines of white space are no records. A record that can't be split, or
has other cells than the header, stays as its raw text: nothing is lost, and the next line starts afresh.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from registry.errors import UserError

MAX_RECORD = 2_000_000
"""Longest record, in characters; DuckDB's own limit in bytes."""

_QUOTED = re.compile(r' *"((?:[^"]++|"")*+)("?)')
_UNDECODED = re.compile("[\ud800-\udfff]")


class Record(NamedTuple):
    """One record: its cells (as many as the header has), or the raw text of one that can't be read."""

    cells: list[str] | None
    raw: str | None = None


@dataclass(frozen=True)
class Dialect:
    """How the lines of one file are split. `line_end` is "\\n" (also for "\\r\\n") or "\\r"."""

    delimiter: str
    line_end: str
    width: int


def first_record(text: str, delimiter: str, line_end: str) -> tuple[list[str], int] | None:
    """Cells of the first record that is not blank, and where the next begins; None where there is none."""
    splitter = RecordReader(Dialect(delimiter, line_end, 0), "")
    position = 0
    while position < len(text):
        try:
            cells, end = splitter.split(text, position)
        except _BadQuotesError:
            end = text.find(line_end, position)
            end = len(text) if end < 0 else end
            cells = text[position:end].split(delimiter)
        if any(cell.strip() for cell in cells):
            return cells, min(end + 1, len(text))
        position = end + 1
    return None


class _BadQuotesError(Exception):
    """A quoted field goes on after its closing quote, or never closes."""


class _OpenQuoteError(_BadQuotesError):
    """A quoted field has not closed where the text ends."""


class RecordReader:
    """Splits successive pieces of one file's text.

    Call `records` with each piece in turn; what it could not finish is in `rest` and belongs before the next.
    """

    def __init__(self, dialect: Dialect, where: str) -> None:
        self._dialect = dialect
        self._where = where
        self._field = re.compile(f"[^{re.escape(dialect.delimiter)}{dialect.line_end}]*+")
        self.rest = ""

    def records(self, text: str, is_last: bool) -> Iterator[Record]:
        """The records of `text`. Characters that stand for undecodable bytes are surrogates."""
        delimiter, line_end, width = (
            self._dialect.delimiter,
            self._dialect.line_end,
            self._dialect.width,
        )
        any_undecoded = _UNDECODED.search(text) is not None
        position, size = 0, len(text)
        self.rest = ""
        while position < size:
            end = text.find(line_end, position)
            if end < 0:
                end = size
            line = text[position:end]
            if '"' in line:
                try:
                    cells, end = self.split(text, position)
                except _OpenQuoteError:
                    if not is_last and size - position < MAX_RECORD:
                        self.rest = text[position:]
                        return
                    cells = None
                except _BadQuotesError:
                    cells = None
                line = text[position:end]
            else:
                if line_end == "\n" and line.endswith("\r"):
                    line = line[:-1]
                if not line.strip(" \t\r\n\v\f\u00a0\x1a") and delimiter not in line:
                    position = end + 1
                    continue
                cells = line.split(delimiter)
            position = end + 1
            if len(line) > MAX_RECORD:
                raise UserError(
                    f"{self._where}: a record is longer than {MAX_RECORD} characters: "
                    "is it a text file with one record a line?"
                )
            yield _judged(cells, line, width, any_undecoded)

    def split(self, text: str, position: int) -> tuple[list[str], int]:
        """Cells of the record that starts at `position`, quotes allowed, and where its line end stands."""
        delimiter, line_end = self._dialect.delimiter, self._dialect.line_end
        limit = min(len(text), position + MAX_RECORD)
        cells: list[str] = []
        while True:
            quoted = _QUOTED.match(text, position, limit)
            if quoted:
                if not quoted[2]:
                    raise _OpenQuoteError
                cells.append(quoted[1].replace('""', '"'))
                position = quoted.end()
                while text[position : position + 1] == " ":
                    position += 1
                if line_end == "\n" and text.startswith("\r\n", position):
                    position += 1
            else:
                plain = self._field.match(text, position)
                assert plain is not None  # the pattern also matches nothing
                position = plain.end()
                ends_here = text[position : position + 1] != delimiter
                is_crlf = ends_here and line_end == "\n" and plain[0].endswith("\r")
                cells.append(plain[0][:-1] if is_crlf else plain[0])
            following = text[position : position + 1]
            if following != delimiter:
                break
            position += 1
        if following not in ("", line_end):
            raise _BadQuotesError
        return cells, position


def _judged(cells: list[str] | None, line: str, width: int, any_undecoded: bool) -> Record:
    if any_undecoded and _UNDECODED.search(line):
        return Record(None, _visible(line))
    if cells is not None and len(cells) > width and not any(c.strip() for c in cells[width:]):
        del cells[width:]
    if cells is None or len(cells) != width:
        return Record(None, line.rstrip("\r\n"))
    return Record(cells)


def _visible(text: str) -> str:
    """Text with each undecodable byte written as \\xNN."""
    return _UNDECODED.sub(lambda mark: f"\\x{ord(mark[0]) & 0xFF:02x}", text.rstrip("\r\n"))
