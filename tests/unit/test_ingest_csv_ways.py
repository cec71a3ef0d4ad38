"""Both ways of reading delimited text, DuckDB's fast one and the exact one, agree on whatever text there is."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import duckdb
import pytest
from delivered import Home
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from registry.config.input_contract import ENTITIES
from registry.config.site import SiteProfile
from registry.errors import UserError
from registry.ingest.bulk import NotPlainError
from registry.ingest.deliveries import DeliveredFile
from registry.ingest.readers import read_file
from registry.ingest.staging import Staging
from registry.ingest.target import LoadContext, LoadStrategy
from registry.vault.database import connect_vault


class Readers:
    """Reads bytes as a file of patients, in each way, without the ledger around it."""

    def __init__(self, folder: Path, connection: duckdb.DuckDBPyConnection, staging: Staging) -> None:
        self._file = folder / "patients.csv"
        self._connection = connection
        self._staging = staging
        self._folder = folder

    def read(self, content: bytes, delimiter: str, way: LoadStrategy, piece_bytes: int) -> list[tuple[Any, ...]] | str:
        """Rows in the order of their numbers, or the message of the error."""
        self._file.write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        file = DeliveredFile("s", "2024-01", "patients", "patients.csv", self._file, "csv", digest, len(content))
        profile = SiteProfile.model_validate({"csv": {"delimiter": delimiter}})
        target = LoadContext(self._connection, self._staging, self._folder, threads=2, piece_bytes=piece_bytes)
        self._connection.begin()
        try:
            with self._staging.whole_file():
                read_file(target, file, profile, 1, way)
                self._staging.load(self._connection)
            return self._connection.execute("SELECT * FROM raw.patients ORDER BY record_number").fetchall()
        except UserError as error:
            return str(error)
        finally:
            self._connection.rollback()


@pytest.fixture(scope="module")
def readers(tmp_path_factory: pytest.TempPathFactory) -> Any:
    home = Home(tmp_path_factory.mktemp("readers"))
    with connect_vault(home.settings) as connection:
        connection.execute("SET preserve_insertion_order = false")
        with Staging(home.folder, ENTITIES["patients"]) as staging:
            yield Readers(home.folder, connection, staging)


RAW_COLUMNS = ("file_no", "record_number", *ENTITIES["patients"].columns, "extra", "malformed")
HEADERS = ("patient_id", "sex", "status", "ward")
TEXTS = st.text(alphabet=st.sampled_from("ab1 ,;\t'\\#é🙂\u00a0\u2028\x00\"\n"), max_size=5)


@st.composite
def well_formed(draw: st.DrawFn) -> tuple[bytes, str, list[list[str]]]:
    """A well-formed file, its delimiter and its cells: quoted where they must be, here and there where not."""
    delimiter = draw(st.sampled_from([",", ";", "\t"]))
    line_end = draw(st.sampled_from(["\n", "\r\n"]))
    width = draw(st.integers(2, 4))
    rows = draw(st.lists(st.lists(TEXTS, min_size=width, max_size=width), max_size=8))
    lines = [delimiter.join(HEADERS[:width])]
    for row in rows:
        cells = []
        for cell in row:
            must = any(mark in cell for mark in (delimiter, '"', "\n")) or cell.strip() != cell
            quoted = must or draw(st.booleans())
            cells.append('"' + cell.replace('"', '""') + '"' if quoted else cell)
        lines.append(delimiter.join(cells))
        lines += [""] * draw(st.sampled_from([0, 0, 0, 1]))
    text = line_end.join(lines) + draw(st.sampled_from(["", line_end]))
    return draw(st.sampled_from([b"", b"\xef\xbb\xbf"])) + text.encode(), delimiter, rows


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(file=well_formed(), piece_bytes=st.sampled_from([64, 100, 2**20]))
def test_both_ways_read_a_well_formed_file_as_it_was_written(
    readers: Readers, file: tuple[bytes, str, list[list[str]]], piece_bytes: int
) -> None:
    content, delimiter, rows = file
    expected = [
        (number, *(cell or None for cell in row[:3]), *([{"ward": row[3] or None}] if len(row) == 4 else []))
        for number, row in enumerate(rows, start=1)
    ]
    for way in (LoadStrategy.EXACT, LoadStrategy.BULK, LoadStrategy.SIEVE):
        try:
            read = readers.read(content, delimiter, way, piece_bytes)
        except (duckdb.Error, NotPlainError):
            assert way is LoadStrategy.BULK  # the loader goes on with LoadStrategy.SIEVE
            continue
        assert not isinstance(read, str)
        found = []
        for row in read:
            named = dict(zip(["file_no", "record_number", *ENTITIES["patients"].columns, "extra"], row, strict=False))
            width = len(rows[0])
            cells = [named[name] for name in HEADERS[: min(width, 3)]]
            found.append((named["record_number"], *cells, *([named["extra"]] if width == 4 else [])))
        assert found == expected, way


Cells = list[str]
WIDTHS = (2, 3)


@st.composite
def of_any_width(draw: st.DrawFn) -> tuple[bytes, list[Cells], int, int]:
    """A file whose records have surplus and missing cells, here and there or all; its cells, W and the header's."""
    width = draw(st.sampled_from(WIDTHS))
    n_header = width + draw(st.sampled_from([0, 0, 1, 2]))
    habit = draw(st.integers(-1, 3))
    cell = st.sampled_from(["a", "b", "", "", " "])
    records = []
    for _ in range(draw(st.integers(0, 6))):
        surplus = habit if draw(st.integers(0, 3)) else draw(st.integers(-1, 3))
        blanks = draw(st.lists(st.sampled_from(["", "", "", "", " ", "x"]), min_size=max(surplus, 0), max_size=3))
        named = ["P", *draw(st.lists(cell, min_size=2, max_size=2))]
        records.append([*named[: width + min(surplus, 0)], *blanks[: max(surplus, 0)]])
    quoted = draw(st.sampled_from([False, False, True]))
    header = [*HEADERS[:width], *[""] * (n_header - width)]
    line_end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    lines = [",".join(f'"{c}"' if quoted and (c or width == 2) else c for c in cells) for cells in [header, *records]]
    return (line_end.join(lines) + line_end).encode(), records, width, n_header


def good_width(records: list[Cells], width: int, n_header: int) -> int:
    """How many cells a good record has, from the words of docs/deliveries.md."""
    alike = {len(cells) for cells in records}
    if n_header > width:
        widths = [len(cells) for cells in records]
        return width if widths.count(width) > widths.count(n_header) else n_header
    is_blank = not any(cell.strip() for cells in records for cell in cells[width:])
    if alike == {width} or (n_header == width and len(alike) == 1 and min(alike) > width and is_blank):
        return alike.pop()
    return n_header


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(file=of_any_width(), piece_bytes=st.sampled_from([64, 2**20]))
def test_every_way_reads_surplus_cells_as_the_habit_of_the_whole_file_alone(
    readers: Readers, file: tuple[bytes, list[Cells], int, int], piece_bytes: int
) -> None:
    content, records, width, n_header = file
    good = good_width(records, width, n_header)
    expected = [
        cells[:2] if len(cells) == good and not any(cell.strip() for cell in cells[width:]) else None
        for cells in records
    ]
    for way in (LoadStrategy.EXACT, LoadStrategy.STAGE, LoadStrategy.BULK, LoadStrategy.SIEVE):
        try:
            read = readers.read(content, ",", way, piece_bytes)
        except (duckdb.Error, NotPlainError):
            assert way is LoadStrategy.BULK  # the loader goes on with LoadStrategy.SIEVE
            continue
        assert [row[1] for row in read] == list(range(1, len(records) + 1)), way
        named = [dict(zip(RAW_COLUMNS, row, strict=True)) for row in read]
        found = [None if row["malformed"] else [row["patient_id"], row["sex"] or ""] for row in named]
        assert found == expected, way


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    pieces=st.lists(
        st.sampled_from(
            [b"a", b",", b",", b'"', b'""', b" ", b"\n", b"\r\n", b"\r", b"\xe8", b"\xc3\xa8", b"\x00", b"x,y\n"]
        ),
        max_size=40,
    ),
    header_end=st.sampled_from([b"", b"", b",", b",,"]),
    piece_bytes=st.sampled_from([64, 2**20]),
)
def test_the_fast_way_never_reads_anything_else_than_the_exact_one(
    readers: Readers, pieces: list[bytes], header_end: bytes, piece_bytes: int
) -> None:
    content = b"patient_id,sex" + header_end + b"\n" + b"".join(pieces)
    exact = readers.read(content, ",", LoadStrategy.EXACT, 2**20)
    assert readers.read(content, ",", LoadStrategy.EXACT, piece_bytes) == exact
    for way in (LoadStrategy.BULK, LoadStrategy.SIEVE):
        try:
            assert readers.read(content, ",", way, piece_bytes) == exact
        except (duckdb.Error, NotPlainError):
            continue  # given up, not misread
