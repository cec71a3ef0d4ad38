"""Cells behind the last column: read as the habit of a whole file, never as the end of a shifted record."""

from __future__ import annotations

import gzip
from itertools import product
from pathlib import Path

import pytest
from delivered import BOTH_WAYS, LAB_HEADER, LAB_PLACE, LARGE, SMALL, Home

from registry.ingest import bulk, csv_file

SHIFTED = "r9,P1,c,u,2024-03-08 08:00,0,75,,"
"""0,75 without quotes, and no limits."""
HEADER = "result_id,patient_id,test_code,unit,collected_at,value,reference_low,reference_high"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def _good(number: int, end: str = "") -> str:
    return f"r{number},P1,c,u,2024-03-08 08:00,{number}.5,,{end}"


def _malformed(home: Home) -> list[bool]:
    return [row[3] is not None for row in home.cells()]


@BOTH_WAYS
@pytest.mark.parametrize("at", [0, 1, 2])
@pytest.mark.parametrize(("header_end", "end"), [("", ""), (",", ","), (";", "")])
def test_a_shifted_record_is_held_back_wherever_it_stands(
    home: Home, small_file: int, header_end: str, end: str, at: int
) -> None:
    header_end = header_end.strip(";")
    rows = [_good(1, end), _good(2, end)]
    rows.insert(at, SHIFTED + end)
    home.deliver(LAB_PLACE, "\n".join([HEADER + header_end, *rows]) + "\n")
    home.load(small_file=small_file)
    assert _malformed(home) == [number == at for number in range(3)]
    assert home.cells()[at][3] == SHIFTED + end


@BOTH_WAYS
@pytest.mark.parametrize(
    ("header_end", "ends", "malformed"),
    [
        ("", [",", ",", ","], []),
        ("", [",,", ",,", ",,"], []),
        ("", [", ", ",", ", "], []),
        (",", [",", ",", ","], []),
        (", ", [", ", ",", ","], []),
        (",", ["", "", ""], []),
        (",,", [",,", ",,", ",,"], []),
        ("", ["", ",", ""], [1]),
        ("", [",", "", ","], [0, 2]),
        ("", [",", ",,", ","], [0, 1, 2]),
        ("", [",", ",", ",x"], [0, 1, 2]),
        (",", [",", "", ","], [1]),
        (",", ["", ",", ","], [0]),
        (",", ["", ",", ""], [1]),
        (",", [",", ",x", ","], [1]),
        (",", [",", ",,", ","], [1]),
        (",", [",,", ",,", ",,"], [0, 1, 2]),
        (",,", [",", ",,", ""], [0, 2]),
    ],
)
def test_a_surplus_is_read_where_the_header_or_every_record_has_it(
    home: Home, small_file: int, header_end: str, ends: list[str], malformed: list[int]
) -> None:
    """In each month another way of writing: with quotes or without, and each end of a line."""
    ways = list(product([False, True], ["\n", "\r\n", "\r"]))
    for month, (quoted, line_end) in enumerate(ways, start=1):
        records = [f'"r{month}{n}",P1,c,1,u,"d"' if quoted else f"r{month}{n},P1,c,1,u,d" for n in range(3)]
        lines = [LAB_HEADER + header_end, *(record + end for record, end in zip(records, ends, strict=True))]
        home.deliver(f"udine/2024-{month:02}/lab_results.csv", line_end.join(lines) + line_end)
    assert home.load(small_file=small_file).n_malformed == len(malformed) * len(ways)
    expected = [
        (n + 1, None if n in malformed else f"r{month}{n}", n in malformed)
        for month in range(1, len(ways) + 1)
        for n in range(3)
    ]
    assert [(record, key, text is not None) for record, key, _, text in home.cells()] == expected


@BOTH_WAYS
def test_a_surplus_and_a_deficit_do_not_cancel_out(home: Home, small_file: int) -> None:
    home.deliver(LAB_PLACE, "\n".join([LAB_HEADER, "r1,P1,c,1,u,d,", "r2,P1,c,1,u", "r3,P1,c,1,u,d"]) + "\n")
    home.load(small_file=small_file)
    assert _malformed(home) == [True, True, False]


@BOTH_WAYS
@pytest.mark.parametrize("rows", [[SHIFTED], [SHIFTED, SHIFTED.replace("r9", "r8")]])
def test_records_that_all_may_be_parted_at_a_decimal_comma_have_no_habit(
    home: Home, small_file: int, rows: list[str]
) -> None:
    home.deliver(LAB_PLACE, "\n".join([HEADER, *rows]) + "\n")
    home.load(small_file=small_file)
    assert all(_malformed(home))


@BOTH_WAYS
def test_one_record_that_is_whole_proves_the_habit(home: Home, small_file: int) -> None:
    home.deliver(LAB_PLACE, "\n".join([HEADER, "r1,P1,c,u,d,3,7,9,", "r2,P1,c,u,d,3.5,7,9,"]) + "\n")
    home.load(small_file=small_file)
    assert not any(_malformed(home))


@BOTH_WAYS
def test_records_that_cannot_be_read_say_nothing_about_the_habit(home: Home, small_file: int) -> None:
    rows = [b"r1,P1,caff\xe8,1,u,d", b'r2,P1,"open,1,u,d', b"r3,P1,c,1,u,d,", b"r4,P1,c,1,u,d,"]
    home.deliver(LAB_PLACE, b"\n".join([LAB_HEADER.encode(), *rows]) + b"\n")
    home.load(small_file=small_file)
    assert _malformed(home) == [True, True, False, False]


@pytest.mark.parametrize("last", ["r9999,P1,c,1,u,d", "r9999,P1,c,1,u,d,x", "short", "r9999,P1,c,1,u,d,,"])
def test_a_habit_that_breaks_in_the_last_piece_is_none(home: Home, monkeypatch: pytest.MonkeyPatch, last: str) -> None:
    rows = [f"r{n},P1,c,1,u,d," for n in range(9999)]
    home.deliver(LAB_PLACE, "\n".join([LAB_HEADER, *rows, last]) + "\n")
    assert home.load(small_file=LARGE).n_rows_new == 10_000
    assert _malformed(home) == [True] * 9999 + [last != "r9999,P1,c,1,u,d"]


@pytest.mark.parametrize("header_end", ["", ","])
def test_a_long_file_with_a_habit_is_read_by_duckdb(
    home: Home, monkeypatch: pytest.MonkeyPatch, header_end: str
) -> None:
    rows = [f"r{n},P1,c,1,u,d," for n in range(10_000)]
    home.deliver(LAB_PLACE, "\n".join([LAB_HEADER + header_end, *rows]) + "\n")
    monkeypatch.setattr(csv_file.RecordReader, "sieve", None)
    monkeypatch.setattr(csv_file.RecordReader, "records", None)
    assert home.load(small_file=LARGE).n_malformed == 0
    assert home.query("SELECT count(*) FROM raw.lab_results WHERE malformed IS NULL") == [(10_000,)]


@BOTH_WAYS
@pytest.mark.parametrize("content", [b"patient_id,\n", b"patient_id,,", b"patient_id\n"])
def test_a_header_alone_is_a_delivery_of_no_rows(home: Home, small_file: int, content: bytes) -> None:
    home.deliver("udine/2024-01/patients.csv", content)
    assert home.load("patients", small_file=small_file).n_rows_new == 0


@BOTH_WAYS
def test_one_column_may_have_a_surplus(home: Home, small_file: int) -> None:
    home.deliver("udine/2024-01/patients.csv", "patient_id\nP1,\nP2,\n")
    home.deliver("udine/2024-02/patients.csv", "patient_id\nP1,\nP2\n")
    home.load("patients", small_file=small_file)
    assert home.rows("patients", ("patient_id", "malformed")) == [
        ("P1", None),
        ("P2", None),
        (None, "P1,"),
        ("P2", None),
    ]


@pytest.mark.parametrize("small_file", [SMALL, LARGE])
def test_a_packed_file_with_a_line_that_names_the_delimiter(home: Home, small_file: int) -> None:
    rows = ["sep=;", "result_id;patient_id;test_code;value;unit;collected_at", "r1;P1;c;0,7;u;d;", "r2;P1;c;1;u;d"]
    home.deliver("udine/2024-01/lab_results.csv.gz", gzip.compress("\n".join(rows).encode("utf-8-sig")))
    home.load(small_file=small_file)
    assert _malformed(home) == [True, False]


@BOTH_WAYS
def test_a_shifted_row_of_a_wide_table_is_held_back_whole(home: Home, small_file: int) -> None:
    home.deliver(
        "udine/site.yml",
        "wide: {lab_results: {tests: {WBC: {code: wbc, unit: 10*9/L}, NEU: {code: anc, unit: 10*9/L}}}}\n",
    )
    rows = ["patient_id,collected_at,WBC,NEU", "P1,2024-01-02,5,75,", "P1,2024-01-03,5.1,2"]
    home.deliver(LAB_PLACE, "\n".join(rows) + "\n")
    home.load(small_file=small_file)
    assert home.rows(columns=("record_number", "value", "malformed")) == [
        (1, None, rows[1]),
        (3, "5.1", None),
        (4, "2", None),
    ]


@pytest.mark.parametrize(
    ("line", "n"),
    [
        (b'"a",b', 1),
        (b'"a,b",c', 1),
        (b'"a""b",c', 1),
        (b'"""",c', 1),
        (b'"",""', 1),
        (b'"a\nb",c', None),
        (b'5" tube,c', None),
        (b'"a"b,c', None),
        (b'"open,c', None),
    ],
)
def test_delimiters_outside_quotes_are_counted(line: bytes, n: int | None) -> None:
    assert bulk._count_unquoted(line, b",") == n
