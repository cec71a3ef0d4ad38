"""Files made to harm end in one clear line, within bounded memory and time; links can't leave the deliveries."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import openpyxl
import pytest
from delivered import Home, lab
from workbooks import workbook

from registry.errors import UserError
from registry.ingest import bounds
from registry.profile.files import find_export

HEADER = ["result_id", "patient_id", "test_code", "value", "unit", "collected_at"]
SOUND = [HEADER, ["r1", "P1", "c", 1, "u", "2024-01-02"]]
MEGABYTE = 2**20
MOST_MEMORY = 700 * MEGABYTE
"""Bytes at any time, the program itself (80 MB) included."""
LOAD = """
import json, sys
from pathlib import Path
from registry import ingest
from registry.errors import UserError
from registry.config.settings import load_settings
settings = load_settings(home=sys.argv[1])
try:
    told = f"loaded {ingest.load_entity(settings, 'lab_results', ingest.discover(settings)).n_rows_new}"
except UserError as error:
    told = str(error)
status = Path("/proc/self/status")  # getrusage would tell the parent's peak too, and has no unit
peak = int(status.read_text().partition("VmHWM:")[2].split()[0]) * 1024 if status.exists() else 0
print(json.dumps([told, peak]))
"""


def with_part(name: str, content: Callable[[bytes], bytes]) -> bytes:
    """A sound workbook with one part of it (a new one is empty before) rewritten."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook(SOUND))) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            if part != name:
                new.writestr(part, old.read(part))
        new.writestr(name, content(old.read(name) if name in old.namelist() else b""))
    return made.getvalue()


def far_cell(book: openpyxl.Workbook) -> None:
    book.worksheets[0].cell(1_048_576, 16_384, "x")


def laughing(sheet: bytes) -> bytes:
    """Entities that expand to ten billion letters, in a cell of text and one of an error."""
    entities = b'<!ENTITY a "aaaaaaaaaa">' + b"".join(
        b'<!ENTITY %c "%s">' % (98 + level, b"&%c;" % (97 + level) * 10) for level in range(9)
    )
    cells = b'<c r="A3" t="inlineStr"><is><t>&j;</t></is></c><c r="B3" t="e"><v>&j;</v></c>'
    sheet = sheet.replace(b"</sheetData>", b'<row r="3">' + cells + b"</row></sheetData>")
    return b"<!DOCTYPE worksheet [" + entities + b"]>" + sheet[sheet.index(b"<worksheet") :]


def false_size() -> bytes:
    """A workbook whose directory states that 100 MB of shared strings are ten bytes."""
    data = bytearray(with_part("xl/sharedStrings.xml", lambda _: b"<sst>" + b" " * 100 * MEGABYTE + b"</sst>"))
    entry = data.rindex(b"xl/sharedStrings.xml") - 46
    data[entry + 24 : entry + 28] = (10).to_bytes(4, "little")
    return bytes(data)


def parquet_of_nothing(folder: Path) -> bytes:
    path = folder / "made.parquet"
    columns = ", ".join(f"'x' AS {name}" for name in HEADER)
    duckdb.execute(f"COPY (SELECT {columns} FROM range(2000000)) TO '{path}' (FORMAT parquet, COMPRESSION zstd)")
    return path.read_bytes()


NOT_AN_EXPORT = "expands to more than 200 times its size, too much for an export; create it again"
NO_WORKBOOK = "not a readable Excel workbook: damaged, cut off or protected; save it again as .xlsx"
HOSTILE: dict[str, tuple[str, Callable[[Path], bytes], str]] = {
    "gigabyte_of_zeros": ("csv.gz", lambda _: gzip.compress(bytes(1024 * MEGABYTE), 1), NOT_AN_EXPORT),
    "blank_lines": ("csv.gz", lambda _: gzip.compress(lab().encode() + b"\n" * 200 * MEGABYTE), NOT_AN_EXPORT),
    "same_row_for_ever": ("csv.gz", lambda _: gzip.compress((lab() + "r,P,c,1,u,d\n" * 10**7).encode()), NOT_AN_EXPORT),
    "endless_cell": ("csv", lambda _: (lab("r1,") + "x" * 100 * MEGABYTE).encode(), "no line end within 6"),
    "endless_quote": ("csv", lambda _: (lab('r1,"') + "x" * 100 * MEGABYTE).encode(), "no line end within 8"),
    "million_columns": (
        "csv",
        lambda _: ",".join([*HEADER, *map(str, range(10**6))]).encode(),
        "1,000,006 columns; the limit is 5,000",
    ),
    "wide_sheet": ("xlsx", lambda _: workbook([[*HEADER, *range(6000)]]), "6,006 columns; the limit is 5,000"),
    "shared_strings": (
        "xlsx",
        lambda _: with_part("xl/sharedStrings.xml", lambda _: b"<sst>" + b" " * 200 * MEGABYTE + b"</sst>"),
        NOT_AN_EXPORT,
    ),
    "nested_zip": (
        "xlsx",
        lambda _: with_part("xl/media/inner.zip", lambda _: gzip.compress(bytes(500 * MEGABYTE)) * 40),
        NOT_AN_EXPORT,
    ),
    "false_size": ("xlsx", lambda _: false_size(), NO_WORKBOOK),
    "billion_laughs": ("xlsx", lambda _: with_part("xl/worksheets/sheet1.xml", laughing), NO_WORKBOOK),
    "far_cell": (
        "xlsx",
        lambda _: workbook(SOUND, touch=far_cell),
        "too large to read because a cell is far away from the table",
    ),
    "rows_from_nowhere": ("parquet", parquet_of_nothing, "claims 2,000,000 rows, too many for its size"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_in_one_line_and_within_bounds(name: str, tmp_path: Path) -> None:
    kind, make, expected = HOSTILE[name]
    home = Home(tmp_path)
    home.deliver(f"udine/2024-01/lab_results.{kind}", make(tmp_path))
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", LOAD, str(tmp_path)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    told, peak = json.loads(done.stdout)
    assert told.startswith("udine/2024-01/lab_results.")
    assert expected in told
    assert peak < MOST_MEMORY
    assert time.monotonic() - started < 60
    assert home.rows() == []


def test_a_workbook_that_is_too_large_is_told_to_come_as_csv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "MOST_UNPACKED", 1000)
    home = Home(tmp_path)
    home.deliver("udine/2024-01/lab_results.xlsx", workbook(SOUND))
    with pytest.raises(UserError, match="expands to more than 0 MB: deliver it as CSV"):
        home.load()


def test_nul_bytes_in_a_cell_are_kept_as_they_were_sent(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.deliver("udine/2024-01/lab_results.csv", lab("r1,P\0,c,1,u,d"))
    home.load()
    assert home.rows(columns=("patient_id",)) == [("P\0",)]


@pytest.mark.parametrize("place", ["udine", "udine/2024-01", "udine/2024-01/lab_results.csv", "udine/site.yml"])
@pytest.mark.parametrize("outside", ["absolute", "dotted"])
def test_a_link_out_of_the_deliveries_is_refused(place: str, outside: str, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    link = tmp_path / "home" / "deliveries" / place
    target = tmp_path / "elsewhere"
    if link.suffix:
        target.write_text(lab("r1,P1,c,1,u,d"))
    else:
        target.mkdir()
    link.parent.mkdir(parents=True)
    dotted = Path(*[".."] * (len(Path(place).parts) + 1), "elsewhere")
    link.symlink_to(target if outside == "absolute" else dotted)
    assert link.exists()
    with pytest.raises(UserError, match="is a link out of the deliveries folder: deliver a copy"):
        home.load()


def test_a_study_file_that_is_a_link_out_of_the_deliveries_is_refused(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.deliver("udine/2024-01/lab_results.csv", lab())
    (tmp_path / "registry.yml").write_text("study_id: other\n")
    (home.folder / "deliveries" / "registry.yml").symlink_to(tmp_path / "registry.yml")
    with pytest.raises(UserError, match="is a link out of the deliveries folder"):
        home.load()


def test_a_link_out_of_a_first_export_is_refused(tmp_path: Path) -> None:
    (tmp_path / "export").mkdir()
    (tmp_path / "elsewhere.csv").write_text(lab("r1,P1,c,1,u,d"))
    (tmp_path / "export" / "lab_results.csv").symlink_to("../elsewhere.csv")
    with pytest.raises(UserError, match="is a link out of the folder: put a copy there"):
        find_export(tmp_path / "export")


def test_aliases_that_would_grow_without_end_are_refused(tmp_path: Path) -> None:
    grown = "\n".join(f"k{level}: &k{level} [{', '.join([f'*k{level - 1}'] * 10)}]" for level in range(1, 12))
    home = Home(tmp_path)
    home.deliver("udine/2024-01/lab_results.csv", lab())
    home.deliver("udine/site.yml", f"k0: &k0 [a]\n{grown}\n")
    with pytest.raises(UserError, match="its aliases expand too much"):
        home.load()
