"""Delimited text into raw: nothing is lost, whatever its records look like."""

from __future__ import annotations

from pathlib import Path

import pytest
from delivered import BOTH_WAYS, LAB_HEADER, LAB_PLACE, Home, lab


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@BOTH_WAYS
def test_cells_stand_in_raw_exactly_as_sent(home: Home, small_file: int) -> None:
    home.deliver(LAB_PLACE, lab(" r1 ,P1,751-8, 1.50 ,10*9/L,2024-01-05", 'r2,P1,"a, ""b""",,10*9/L,2024-01-06'))
    home.load(small_file=small_file)
    assert home.rows(columns=("result_id", "test_code", "value", "specimen_id")) == [
        (" r1 ", "751-8", " 1.50 ", None),
        ("r2", 'a, "b"', None, None),
    ]


@BOTH_WAYS
def test_a_ragged_row_is_kept_as_its_text_and_counts_as_a_record(home: Home, small_file: int) -> None:
    home.deliver(LAB_PLACE, lab("r1,P1,c,1,u,d", "r2,P1,c", "r3,P1,c,3,u,d,extra", "", "r4,P1,c,4,u,d"))
    result = home.load(small_file=small_file)
    assert home.cells() == [
        (1, "r1", "1", None),
        (2, None, None, "r2,P1,c"),
        (3, None, None, "r3,P1,c,3,u,d,extra"),
        (4, "r4", "4", None),
    ]
    assert (result.n_rows_new, result.n_malformed) == (4, 2)


@BOTH_WAYS
def test_an_open_quote_costs_its_own_line_only(home: Home, small_file: int) -> None:
    home.deliver(LAB_PLACE, lab("r1,P1,c,1,u,d", 'r2,P1,"c,2,u,d', "r3,P1,c,3,u,d", 'r4,P1,"c",4,u,d'))
    home.load(small_file=small_file)
    assert [row[3] for row in home.cells()] == [None, 'r2,P1,"c,2,u,d', None, None]


@BOTH_WAYS
def test_an_undecodable_record_is_kept_with_its_bytes_shown(home: Home, small_file: int) -> None:
    home.deliver(LAB_PLACE, lab("r1,P1,c,1,u,d").encode() + b"r2,P1,caff\xe8,2,u,d\nr3,P1,c\xc3\xa8,3,u,d\n")
    home.load(small_file=small_file)
    assert home.rows(columns=("result_id", "test_code", "malformed")) == [
        ("r1", "c", None),
        (None, None, r"r2,P1,caff\xe8,2,u,d"),
        ("r3", "cè", None),
    ]


@BOTH_WAYS
def test_blank_lines_are_no_records_and_rows_of_empty_cells_are(home: Home, small_file: int) -> None:
    home.deliver(LAB_PLACE, f"\n{LAB_HEADER}\n\n  \nr1,P1,c,1,u,d\n,,,,,\n\n\x1a")
    home.load(small_file=small_file)
    assert home.cells() == [(1, "r1", "1", None), (2, None, None, None)]


def test_a_long_file_is_numbered_as_its_lines_are(home: Home) -> None:
    rows = (f"r{n},P{n % 97},751-8,{n % 13}.5,10*9/L,2024-01-05" for n in range(1, 700_001))
    home.deliver(LAB_PLACE, lab(*rows))  # 34 MB: two pieces
    assert home.load().n_rows_new == 700_000
    assert home.query(
        "SELECT count(*), count(DISTINCT record_number), count_if(result_id <> 'r' || record_number) "
        "FROM raw.lab_results"
    ) == [(700_000, 700_000, 0)]


def test_odd_records_in_a_long_file_keep_their_numbers(home: Home) -> None:
    odd = {1000: "short", 2000: 'r2000,P1,"open,1,u,d', 3000: 'r3000,P1,"two\nlines",1,u,d', 4000: "r4000,P1,,1,u,d,x"}
    rows = [odd.get(n, f"r{n},P1,c,1,u,d") for n in range(1, 40_001)]
    home.deliver(LAB_PLACE, lab(*rows))
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


@BOTH_WAYS
def test_a_quoted_cell_may_hold_line_ends_delimiters_and_quotes(home: Home, small_file: int) -> None:
    home.deliver(LAB_PLACE, lab('r1,P1,"a\nb\r\nc","1,5",u,d', 'r2,P1,"say ""no"" ",2,u,d', 'r3,P1,5" tube,3,u,d'))
    home.load(small_file=small_file)
    assert home.rows(columns=("record_number", "test_code", "value")) == [
        (1, "a\nb\r\nc", "1,5"),
        (2, 'say "no" ', "2"),
        (3, '5" tube', "3"),
    ]
