"""Delimited text into raw: nothing is lost, whatever the file looks like, and both ways of reading agree."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path
from typing import Any

import duckdb
import pytest
from delivered import LAB_HEADER, LARGE, SMALL, Home
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from registry.contract import ENTITIES
from registry.errors import UserError
from registry.ingest.bulk import NotPlainError
from registry.ingest.deliveries import DeliveredFile
from registry.ingest.readers import read_file
from registry.ingest.staging import Staging
from registry.ingest.target import Target, Way
from registry.settings import SiteProfile
from registry.vault import connect_vault

BOTH_WAYS = pytest.mark.parametrize("small_file", [SMALL, LARGE], ids=["python", "duckdb"])
PLACE = "udine/2024-01/lab_results.csv"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def cells_of(home: Home) -> list[tuple[Any, ...]]:
    return home.rows(columns=("record_number", "result_id", "value", "malformed"))


def lab(*rows: str) -> str:
    return "\n".join([LAB_HEADER, *rows]) + "\n"


@BOTH_WAYS
def test_cells_stand_in_raw_exactly_as_sent(home: Home, small_file: int) -> None:
    home.deliver(PLACE, lab(" r1 ,P1,751-8, 1.50 ,10*9/L,2024-01-05", 'r2,P1,"a, ""b""",,10*9/L,2024-01-06'))
    home.load(small_file=small_file)
    assert home.rows(columns=("result_id", "test_code", "value", "specimen_id")) == [
        (" r1 ", "751-8", " 1.50 ", None),
        ("r2", 'a, "b"', None, None),
    ]


@BOTH_WAYS
def test_a_ragged_row_is_kept_as_its_text_and_counts_as_a_record(home: Home, small_file: int) -> None:
    home.deliver(PLACE, lab("r1,P1,c,1,u,d", "r2,P1,c", "r3,P1,c,3,u,d,extra", "", "r4,P1,c,4,u,d"))
    result = home.load(small_file=small_file)
    assert cells_of(home) == [
        (1, "r1", "1", None),
        (2, None, None, "r2,P1,c"),
        (3, None, None, "r3,P1,c,3,u,d,extra"),
        (4, "r4", "4", None),
    ]
    assert (result.n_rows_new, result.n_malformed) == (4, 2)


@BOTH_WAYS
def test_an_open_quote_costs_its_own_line_only(home: Home, small_file: int) -> None:
    home.deliver(PLACE, lab("r1,P1,c,1,u,d", 'r2,P1,"c,2,u,d', "r3,P1,c,3,u,d", 'r4,P1,"c",4,u,d'))
    home.load(small_file=small_file)
    assert [row[3] for row in cells_of(home)] == [None, 'r2,P1,"c,2,u,d', None, None]


@BOTH_WAYS
def test_an_undecodable_record_is_kept_with_its_bytes_shown(home: Home, small_file: int) -> None:
    home.deliver(PLACE, lab("r1,P1,c,1,u,d").encode() + b"r2,P1,caff\xe8,2,u,d\nr3,P1,c\xc3\xa8,3,u,d\n")
    home.load(small_file=small_file)
    assert home.rows(columns=("result_id", "test_code", "malformed")) == [
        ("r1", "c", None),
        (None, None, r"r2,P1,caff\xe8,2,u,d"),
        ("r3", "cè", None),
    ]


@BOTH_WAYS
@pytest.mark.parametrize("trailing", [",", ",,", ", "])
def test_a_trailing_delimiter_is_tolerated(home: Home, small_file: int, trailing: str) -> None:
    home.deliver(PLACE, f"{LAB_HEADER}{trailing}\nr1,P1,c,1,u,d{trailing}\nr2,P1,c,2,u,d\n")
    home.load(small_file=small_file)
    assert cells_of(home) == [(1, "r1", "1", None), (2, "r2", "2", None)]


@BOTH_WAYS
def test_blank_lines_are_no_records_and_rows_of_empty_cells_are(home: Home, small_file: int) -> None:
    home.deliver(PLACE, f"\n{LAB_HEADER}\n\n  \nr1,P1,c,1,u,d\n,,,,,\n\n\x1a")
    home.load(small_file=small_file)
    assert cells_of(home) == [(1, "r1", "1", None), (2, None, None, None)]


@BOTH_WAYS
@pytest.mark.parametrize(
    ("encoding", "content_encoding"),
    [("latin-1", "latin-1"), ("cp1252", "cp1252"), ("utf-16", "utf-16"), ("utf-8", "utf-8-sig"), ("utf-8", "utf-16")],
)
def test_every_encoding_gives_the_same_text(home: Home, small_file: int, encoding: str, content_encoding: str) -> None:
    home.deliver("udine/site.yml", f"csv: {{encoding: {encoding}}}")
    home.deliver(PLACE, lab("r1,P1,caffè µ,1,u,d", "r2,P1,c,2,u,d").encode(content_encoding))
    home.load(small_file=small_file)
    assert home.rows(columns=("result_id", "test_code")) == [("r1", "caffè µ"), ("r2", "c")]


@BOTH_WAYS
def test_a_byte_that_the_encoding_lacks_spoils_its_record_only(home: Home, small_file: int) -> None:
    home.deliver("udine/site.yml", "csv: {encoding: cp1252}")
    home.deliver(PLACE, lab("r1,P1,c,1,u,d").encode() + b"r2,P1,\x81\xe8,2,u,d\nr3,P1,\xe8,3,u,d\n")
    home.load(small_file=small_file)
    assert home.rows(columns=("test_code", "malformed")) == [("c", None), (None, r"r2,P1,\x81è,2,u,d"), ("è", None)]


@BOTH_WAYS
def test_gzip_and_plain_text_give_the_same_rows(home: Home, small_file: int) -> None:
    text = lab("r1,P1,c,1,u,d", "r2,P1,c,2,u,d").encode()
    home.deliver("udine/2024-01/lab_results.CSV.GZ", gzip.compress(text[:50]) + gzip.compress(text[50:]))
    home.load(small_file=small_file)
    assert cells_of(home) == [(1, "r1", "1", None), (2, "r2", "2", None)]


@BOTH_WAYS
@pytest.mark.parametrize("cut", [-1, -9, 15])
def test_a_cut_off_gzip_is_refused_and_nothing_of_it_kept(home: Home, small_file: int, cut: int) -> None:
    whole = gzip.compress(lab(*(f"r{n},P{n},c,{n * 7919},u,d" for n in range(500))).encode())
    home.deliver("udine/2024-01/lab_results.csv.gz", whole[:cut])
    with pytest.raises(UserError, match=r"udine/2024-01/lab_results.csv.gz: not a whole gzip file"):
        home.load(small_file=small_file)
    assert home.rows() == []
    assert home.query("SELECT * FROM main.input_file") == []


@BOTH_WAYS
def test_headers_match_without_case_order_or_blanks_and_unknown_ones_are_kept(home: Home, small_file: int) -> None:
    header = '"Unit", VALUE ,Reparto,collected_at,test_code,Patient_ID,RESULT_ID,'
    home.deliver(PLACE, f"{header}\nu,1,onco,d,c,P1,r1,\nu,2,,d,c,P1,r2,\n")
    result = home.load(small_file=small_file)
    assert home.rows(columns=("result_id", "value", "extra")) == [
        ("r1", "1", {"Reparto": "onco"}),
        ("r2", "2", {"Reparto": None}),
    ]
    assert result.unknown_columns == {("udine", "Reparto")}


@BOTH_WAYS
def test_the_sites_own_column_names_are_translated(home: Home, small_file: int) -> None:
    home.deliver("udine/site.yml", 'csv: {delimiter: ";"}\ncolumns: {lab_results: {ID_Esame: result_id}}')
    home.deliver(PLACE, "id_esame;patient_id;test_code;value;unit;collected_at\nr1;P1;c;1,5;u;d\n")
    home.load(small_file=small_file)
    assert cells_of(home) == [(1, "r1", "1,5", None)]


@BOTH_WAYS
@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("result_id,result_ID,patient_id,test_code,value,unit,collected_at", "columns 1 and 2 both mean result_id"),
        (LAB_HEADER + ",ward,Ward", "columns 7 and 8 have the same header"),
        (LAB_HEADER.replace("result_id", "id"), "no column result_id in the header"),
        (LAB_HEADER.replace(",", ";"), "separated by ';'"),
        (LAB_HEADER.replace(",unit", ""), "no column unit;"),
    ],
)
def test_a_header_that_does_not_fit_is_refused(home: Home, small_file: int, header: str, message: str) -> None:
    home.deliver(PLACE, f"{header}\n" + "1,2,3,4,5,6,7,8\n"[: 2 * len(header.split(",")) - 1] + "\n")
    with pytest.raises(UserError, match=message):
        home.load(small_file=small_file)
    assert home.query("SELECT * FROM main.input_file") == []


def test_a_file_without_header_does_not_get_its_first_patient_into_the_message(home: Home) -> None:
    home.deliver(PLACE, "r1,Rossi Mario,751-8,1.5,10*9/L,2024-01-05\n")
    with pytest.raises(UserError) as caught:
        home.load()
    assert "Rossi" not in str(caught.value)
    assert caught.value.__cause__ is None


@BOTH_WAYS
def test_a_file_that_only_takes_rows_back_needs_its_key_alone(home: Home, small_file: int) -> None:
    home.deliver(PLACE, "result_id,status\nr1, Cancelled \nr2,cancelled\n")
    assert home.load(small_file=small_file).n_rows_new == 2


@BOTH_WAYS
def test_a_file_with_one_other_row_needs_its_columns(home: Home, small_file: int) -> None:
    home.deliver(PLACE, "result_id,status\nr1,cancelled\nr2,final\n")
    with pytest.raises(UserError, match="no column patient_id, test_code, value, unit, collected_at"):
        home.load(small_file=small_file)
    assert home.rows() == []


@BOTH_WAYS
def test_a_file_of_a_header_alone_is_loaded_and_accounted(home: Home, small_file: int) -> None:
    home.deliver(PLACE, LAB_HEADER)
    assert home.load(small_file=small_file).n_files_new == 1
    assert home.query("SELECT n_rows, is_current FROM main.input_file") == [(0, True)]


@BOTH_WAYS
@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf"])
def test_a_file_without_a_header_is_refused(home: Home, small_file: int, content: bytes) -> None:
    home.deliver(PLACE, content)
    with pytest.raises(UserError, match=r"udine/2024-01/lab_results.csv: empty, without even a header"):
        home.load(small_file=small_file)


@BOTH_WAYS
def test_a_header_in_another_encoding_is_told(home: Home, small_file: int) -> None:
    home.deliver(PLACE, (LAB_HEADER + ",unità\n").encode("latin-1"))
    with pytest.raises(UserError, match=r"the header is not utf-8: set csv\.encoding"):
        home.load(small_file=small_file)


@BOTH_WAYS
def test_a_header_with_a_line_end_in_quotes_is_one_header(home: Home, small_file: int) -> None:
    home.deliver(PLACE, f'"ward\nfloor",{LAB_HEADER}\nonco,r1,P1,c,1,u,d\n')
    home.load(small_file=small_file)
    assert home.rows(columns=("result_id", "extra")) == [("r1", {"ward\nfloor": "onco"})]


def test_a_long_file_is_numbered_as_its_lines_are(home: Home) -> None:
    rows = (f"r{n},P{n % 97},751-8,{n % 13}.5,10*9/L,2024-01-05" for n in range(1, 700_001))
    home.deliver(PLACE, lab(*rows))  # 34 MB: two pieces
    assert home.load().n_rows_new == 700_000
    assert home.query(
        "SELECT count(*), count(DISTINCT record_number), count_if(result_id <> 'r' || record_number) "
        "FROM raw.lab_results"
    ) == [(700_000, 700_000, 0)]


def test_odd_records_in_a_long_file_keep_their_numbers(home: Home) -> None:
    odd = {1000: "short", 2000: 'r2000,P1,"open,1,u,d', 3000: 'r3000,P1,"two\nlines",1,u,d', 4000: "r4000,P1,,1,u,d,x"}
    rows = [odd.get(n, f"r{n},P1,c,1,u,d") for n in range(1, 40_001)]
    home.deliver(PLACE, lab(*rows))
    result = home.load()
    assert (result.n_rows_new, result.n_malformed) == (40_000, 3)
    assert home.query(
        "SELECT record_number, malformed FROM raw.lab_results WHERE malformed IS NOT NULL ORDER BY 1"
    ) == [
        (1000, "short"),
        (2000, odd[2000]),
        (4000, odd[4000]),
    ]
    assert home.query("SELECT count_if(result_id <> 'r' || record_number) FROM raw.lab_results") == [(0,)]
    assert home.query("SELECT test_code FROM raw.lab_results WHERE record_number = 3000") == [("two\nlines",)]


class Readers:
    """Reads bytes as a file of patients, in each way, without the ledger around it."""

    def __init__(self, folder: Path, connection: duckdb.DuckDBPyConnection, staging: Staging) -> None:
        self._file = folder / "patients.csv"
        self._connection = connection
        self._staging = staging
        self._folder = folder

    def read(self, content: bytes, delimiter: str, way: Way, piece_bytes: int) -> list[tuple[Any, ...]] | str:
        """Rows in the order of their numbers, or the message of the error."""
        self._file.write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        file = DeliveredFile("s", "2024-01", "patients", "patients.csv", self._file, "csv", digest, len(content))
        profile = SiteProfile.model_validate({"csv": {"delimiter": delimiter}})
        target = Target(self._connection, self._staging, self._folder, threads=2, piece_bytes=piece_bytes)
        self._connection.begin()
        try:
            with self._staging.whole_file():
                read_file(target, file, profile, 1, way)
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


@hypothesis_settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(file=well_formed(), piece_bytes=st.sampled_from([64, 100, 2**20]))
def test_both_ways_read_a_well_formed_file_as_it_was_written(
    readers: Readers, file: tuple[bytes, str, list[list[str]]], piece_bytes: int
) -> None:
    content, delimiter, rows = file
    expected = [
        (number, *(cell or None for cell in row[:3]), *([{"ward": row[3] or None}] if len(row) == 4 else []))
        for number, row in enumerate(rows, start=1)
    ]
    for way in (Way.EXACT, Way.BULK, Way.SIEVE):
        try:
            read = readers.read(content, delimiter, way, piece_bytes)
        except (duckdb.Error, NotPlainError):
            assert way is Way.BULK  # the loader goes on with Way.SIEVE
            continue
        assert not isinstance(read, str)
        found = []
        for row in read:
            named = dict(zip(["file_no", "record_number", *ENTITIES["patients"].columns, "extra"], row, strict=False))
            width = len(rows[0])
            cells = [named[name] for name in HEADERS[: min(width, 3)]]
            found.append((named["record_number"], *cells, *([named["extra"]] if width == 4 else [])))
        assert found == expected, way


@hypothesis_settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    pieces=st.lists(
        st.sampled_from(
            [b"a", b",", b",", b'"', b'""', b" ", b"\n", b"\r\n", b"\r", b"\xe8", b"\xc3\xa8", b"\x00", b"x,y\n"]
        ),
        max_size=40,
    ),
    piece_bytes=st.sampled_from([64, 2**20]),
)
def test_the_fast_way_never_reads_anything_else_than_the_exact_one(
    readers: Readers, pieces: list[bytes], piece_bytes: int
) -> None:
    content = b"patient_id,sex\n" + b"".join(pieces)
    exact = readers.read(content, ",", Way.EXACT, 2**20)
    assert readers.read(content, ",", Way.EXACT, piece_bytes) == exact
    for way in (Way.BULK, Way.SIEVE):
        try:
            assert readers.read(content, ",", way, piece_bytes) == exact
        except (duckdb.Error, NotPlainError):
            continue  # given up, not misread
