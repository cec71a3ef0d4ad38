"""Detect the encoding of a delimited text file, from all its bytes, and its delimiter."""

from __future__ import annotations

import codecs
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from registry.errors import UserError
from registry.ingest.records import first_record
from registry.ingest.stream import TextStream

DELIMITERS = ";,\t|"
_BOMS = (codecs.BOM_UTF8, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_ASCII = bytes(range(0x80))
_WINDOWS_ONLY = frozenset(range(0x80, 0xA0)) - {0x81, 0x8D, 0x8F, 0x90, 0x9D}
_SAMPLED_RECORDS = 300
_SAMPLED_TEXT = 400_000


@dataclass(frozen=True)
class Encoding:
    """A file's encoding as in site.yml; None if it need not be given: plain ASCII, or a file with a byte order mark.

    `n_damaged`: number of characters invalid in it; `is_certain` is False if no known encoding has every byte.
    """

    name: str | None
    has_mark: bool = False
    n_damaged: int = 0
    is_certain: bool = True


def find_encoding(path: Path, where: str) -> Encoding:
    """The encoding of a text file, gzipped or not. Raises UserError if it can't be opened or unpacked."""
    n_good = n_bad = 0
    high_bytes: set[int] = set()
    with TextStream(path, "utf-8", where) as stream:
        is_first = True
        for piece, _ in stream.pieces():
            if is_first and piece.startswith(_BOMS):
                return Encoding(None, has_mark=True)
            if is_first and b"\0" in piece[:4000]:
                return _with_zero_bytes(piece[:4000], where)
            is_first = False
            if not piece.isascii():
                text = piece.decode("utf-8", "replace")
                n_replaced = text.count("\ufffd")
                n_bad += n_replaced
                n_good += sum(map(len, re.findall(r"[^\x00-\x7f]+", text))) - n_replaced
                high_bytes.update(piece.translate(None, _ASCII))
    if not high_bytes:
        return Encoding(None)
    if n_bad * 10 <= n_good:
        return Encoding("utf-8", n_damaged=n_bad)
    if high_bytes & _WINDOWS_ONLY:
        return Encoding("cp1252", is_certain=not _is_control(high_bytes))
    return Encoding("latin-1", is_certain=not _is_control(high_bytes))


def _is_control(high_bytes: set[int]) -> bool:
    """Whether any of these bytes is not a printable character in Latin-1 and Windows-1252."""
    return bool(high_bytes & {0x81, 0x8D, 0x8F, 0x90, 0x9D})


def _with_zero_bytes(start: bytes, where: str) -> Encoding:
    """Detect UTF-16 without a byte order mark, in which every other byte of plain text is zero."""
    even, odd = start[::2].count(0), start[1::2].count(0)
    if odd > len(start) // 4 and even * 4 < odd:
        return Encoding("utf-16-le")
    if even > len(start) // 4 and odd * 4 < even:
        return Encoding("utf-16-be")
    raise UserError(f"{where}: contains zero bytes: is this a text file? Export it as .csv, .parquet or .xlsx")


def find_delimiter(text: str, line_end: str) -> str | None:
    """The delimiter that splits a file's first records into equally many cells; None if there is only one column."""
    best: tuple[float, int] = (0.5, 1)
    found = None
    for delimiter in DELIMITERS:
        widths = Counter(len(cells) for cells in first_records(text, delimiter, line_end))
        if not widths:
            continue
        width, n_alike = max(widths.items(), key=lambda item: (item[1], item[0]))
        score = (n_alike / widths.total(), width)
        if width > 1 and score > best:
            best, found = score, delimiter
    return found


def first_records(text: str, delimiter: str, line_end: str, limit: int = _SAMPLED_RECORDS) -> list[list[str]]:
    """Cells of the first records, however many; the last record is left out because it may be cut off."""
    records: list[list[str]] = []
    is_whole = len(text) <= _SAMPLED_TEXT
    text = text[:_SAMPLED_TEXT]
    while text and len(records) < limit:
        first = first_record(text, delimiter, line_end)
        if first is None or (not is_whole and first[1] >= len(text)):
            break
        records.append(first[0])
        text = text[first[1] :]
    return records
