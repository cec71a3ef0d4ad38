"""Split delimited text into records: the exact reader, with which a property test compares DuckDB's fast one.

A record ends at a line end outside quotes. A field is quoted if its first character (except spaces) is a quote; a quote
elsewhere is plain text. Lines of white space are not records. A record that can't be split, or has another number of
cells than its file (registry/ingest/surplus.py), is kept as raw text; the next line starts a new record.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from registry.errors import UserError

MAX_RECORD = 2_000_000
"""Longest record, in characters; the same as DuckDB's limit in bytes."""

_QUOTED = re.compile(r' *"((?:[^"]++|"")*+)("?)')
_UNDECODED = re.compile("[\ud800-\udfff]")
_SPACED_QUOTE = re.compile(' "|" ')
_WHITE = " \t\r\n\v\f\u00a0\x1a"
_BOM = "\ufeff"


class Record(NamedTuple):
    """One record: its cells (as many as the header has), or the raw text of one that can't be read."""

    cells: list[str] | None
    raw: str | None = None


class Sieved(NamedTuple):
    """A piece as lines of one valid record each; `odd`: the irregular records, by the index of their stand-in line."""

    lines: list[str]
    odd: list[tuple[int, Record]]


@dataclass(frozen=True)
class Dialect:
    """How the lines of one file are split. `line_end` is "\\n" (also for "\\r\\n") or "\\r".

    A record has `width` cells, followed by `surplus` blank ones.
    """

    delimiter: str
    line_end: str
    width: int
    surplus: int = 0

    @property
    def n_cells(self) -> int:
        """Number of cells in a record, including blank ones after the last column."""
        return self.width + self.surplus


def first_record(text: str, delimiter: str, line_end: str) -> tuple[list[str], int] | None:
    """Cells of the first record that is not blank, and the start of the next; None if there is none."""
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
    """A quoted field continues after its closing quote, or never closes."""


class _OpenQuoteError(_BadQuotesError):
    """A quoted field is still open at the end of the text."""


class RecordReader:
    """Splits successive pieces of one file's text.

    Call `records` (or `sieve`) with each piece in turn; an unfinished record is in `rest` and must be put before the
    next piece. Surrogates represent undecodable bytes.
    """

    def __init__(self, dialect: Dialect, where: str) -> None:
        self._dialect = dialect
        self._where = where
        self._field = re.compile(f"[^{re.escape(dialect.delimiter)}{dialect.line_end}]*+")
        self.rest = ""

    def records(self, text: str, is_last: bool) -> Iterator[Record]:
        """The records of `text`."""
        delimiter, width = self._dialect.delimiter, self._dialect.width
        for line, cells, is_plain in self._scan(text, is_last):
            yield Record(line.split(delimiter)[:width]) if is_plain and cells is None else self._judged(cells, line)

    def cells(self, text: str, is_last: bool) -> Iterator[list[str] | None]:
        """The cells of each record of `text`, however many; None for a record that can't be read."""
        for line, cells, is_plain in self._scan(text, is_last):
            split = line.split(self._dialect.delimiter) if is_plain and cells is None else cells
            yield None if _UNDECODED.search(line) else split

    def sieve(self, text: str, is_last: bool, stand_in: str) -> Sieved:
        """The records of `text`, separated into regular lines and irregular records."""
        sieved = Sieved([], [])
        for line, cells, is_plain in self._scan(text, is_last):
            if not is_plain:
                sieved.odd.append((len(sieved.lines), self._judged(cells, line)))
            sieved.lines.append(line if is_plain else stand_in)
        return sieved

    def _scan(self, text: str, is_last: bool) -> Iterator[tuple[str, list[str] | None, bool]]:
        """Each record: its line, its cells if they had to be split, and whether DuckDB reads the line the same way.

        Without cells, a plain line can be split at its delimiters, and any other line can't be read.
        """
        delimiter, line_end = self._dialect.delimiter, self._dialect.line_end
        width, n_cells = self._dialect.width, self._dialect.n_cells
        n_delimiters, blank_end = n_cells - 1, delimiter * self._dialect.surplus
        other_end = "\r" if line_end == "\n" else "\n"
        any_undecoded = _UNDECODED.search(text) is not None
        position, size = 0, len(text)
        self.rest = ""
        while position < size:
            end = text.find(line_end, position)
            if end < 0:
                end = size
            line = text[position:end]
            if line_end == "\n" and line.endswith("\r"):
                line = line[:-1]
            is_odd = other_end in line or (any_undecoded and _UNDECODED.search(line))
            if '"' not in line:
                if not line.strip(_WHITE) and delimiter not in line:
                    position = end + 1
                    continue
                if (
                    line.count(delimiter) == n_delimiters
                    and not is_odd
                    and line[0] != _BOM
                    and line.endswith(blank_end)
                ):
                    position = end + 1
                    self._check_length(line)
                    yield line, None, True
                    continue
                cells: list[str] | None = line.split(delimiter)
            else:
                cells = _all_quoted(line, delimiter)
                if cells is None:
                    try:
                        cells, record_end = self.split(text, position)
                        if record_end != end:
                            is_odd, end = True, record_end
                            line = text[position:end]
                    except _OpenQuoteError:
                        if not is_last and size - position < MAX_RECORD:
                            self.rest = text[position:]
                            return
                    except _BadQuotesError:
                        pass
            position = end + 1
            self._check_length(line)
            fits = cells is not None and len(cells) == n_cells and not any(cells[width:])
            yield line, cells, fits and not is_odd and line[0] != _BOM and not _SPACED_QUOTE.search(line)

    def _judged(self, cells: list[str] | None, line: str) -> Record:
        """The record of a line that may be irregular."""
        width = self._dialect.width
        if _UNDECODED.search(line):
            return Record(None, _visible(line))
        if cells is None or len(cells) != self._dialect.n_cells or any(cell.strip() for cell in cells[width:]):
            return Record(None, line.rstrip("\r\n"))
        return Record(cells[:width])

    def _check_length(self, line: str) -> None:
        if len(line) > MAX_RECORD:
            raise UserError(
                f"{self._where}: a record is longer than {MAX_RECORD} characters: "
                "is this a text file with one record a line?"
            )

    def split(self, text: str, position: int) -> tuple[list[str], int]:
        """Cells of the record that starts at `position`, possibly quoted, and the position of its line end."""
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
                assert plain is not None  # noqa: S101 - the pattern also matches nothing
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


def _all_quoted(line: str, delimiter: str) -> list[str] | None:
    """Cells of a line in which every cell is quoted and contains no quote; None for any other line."""
    if line[0] != '"' or line[-1] != '"':
        return None
    cells = line[1:-1].split(f'"{delimiter}"')
    return cells if line.count('"') == 2 * len(cells) else None


def _visible(text: str) -> str:
    """Text with each undecodable byte written as \\xNN."""
    return _UNDECODED.sub(lambda mark: f"\\x{ord(mark[0]) & 0xFF:02x}", text.rstrip("\r\n"))
