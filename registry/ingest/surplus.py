"""Blank cells after the last column: harmless if the whole delimited file has them, an error in a single record.

A record with one cell too many may be shifted: an unquoted `0,75` gives a count of 0, and if its limits are blank, the
surplus cell is blank too. So delimiters at the end of a line are accepted only if the header has the same number, or
all records do. If they could come from decimal commas, the header decides. If the header ends in blank cells and only
some records do, the majority of records decides.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from registry.ingest.records import Dialect, RecordReader
from registry.ingest.stream import TextStream

WITH_DECIMALS = ("value", "dose")
"""Columns in which a decimal comma can be expected, apart from the tests of a wide table."""
_WHOLE = re.compile(r"\s*[<>]?=?\s*[+-]?\d+\s*")
_DECIMALS = re.compile(r"\s*\d+\s*%?\s*")
_PIECE_BYTES = 2**16


def with_surplus(
    dialect: Dialect, path: Path, encoding: str, lead: str, numbers: Collection[int], where: str
) -> Dialect:
    """The dialect with the surplus that the file's records must have; `dialect` has the header's.

    Usually the first record decides, else all are read. `lead`: the text up to the end of the header. `numbers`: the
    positions of columns in which a decimal comma can be expected.
    """
    with TextStream(path, encoding, where, _PIECE_BYTES + 4 * len(lead)) as stream:
        stream.first_text()
        stream.skip(lead)
        n_cells = _n_cells(_records(stream, dialect, where), dialect, numbers if dialect.delimiter == "," else ())
    return replace(dialect, surplus=n_cells - dialect.width)


def _records(stream: TextStream, dialect: Dialect, where: str) -> Iterator[list[str] | None]:
    reader = RecordReader(dialect, where)
    rest = b""
    for piece, is_last in stream.pieces():
        yield from reader.cells(stream.decode(rest + piece), is_last)
        rest = stream.encode(reader.rest)


def _n_cells(records: Iterable[list[str] | None], dialect: Dialect, numbers: Collection[int]) -> int:
    """The number of cells in a valid record; records that can't be read are ignored."""
    width, of_header = dialect.width, dialect.n_cells
    if of_header > width:
        # in a file without blank cells at line ends, a shifted record has as many cells as such a header
        found = Counter(len(cells) for cells in records if cells is not None)
        return width if found[width] > found[of_header] else of_header
    same, is_sure = 0, False
    for cells in records:
        if cells is None:
            continue
        same = same or len(cells)
        is_habit = same > width and not any(cell.strip() for cell in cells[width:])
        if same == width or len(cells) != same or not is_habit:
            return width
        is_sure = is_sure or not any(_may_be_parted(cells[p], cells[p + 1]) for p in numbers)
    return same if is_sure else width


def _may_be_parted(cell: str, following: str) -> bool:
    """Could the two be one number, split at its decimal comma?"""
    return _WHOLE.fullmatch(cell) is not None and _DECIMALS.fullmatch(following) is not None
