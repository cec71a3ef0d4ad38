"""Keys that the registry makes of other columns, and times that stand in two."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from delivered import BOTH_WAYS, LARGE, Home
from hypothesis import given
from hypothesis import strategies as st
from workbooks import workbook

from registry.errors import UserError
from registry.ingest.composed_key import escaped
from registry.ingest.split_time import joined

KEYS = "keys: {lab_results: [patient_id, collected_at, test_code]}\n"
FORMATS = 'csv: {date_formats: ["%d/%m/%Y", "%d/%m/%Y %H:%M"]}\n'
SPLIT = "columns: {lab_results: {data: collected_at.date, ora: collected_at.time}}\n"
HEADER = ["patient_id", "test_code", "value", "unit", "collected_at"]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    home.deliver("udine/site.yml", KEYS + FORMATS)
    return home


def as_csv(*rows: list[Any]) -> str:
    return "".join(",".join(map(str, row)) + "\n" for row in rows)


def as_parquet(home: Home, select: str) -> bytes:
    made = home.folder / "made.parquet"
    duckdb.connect().execute(f"COPY ({select}) TO '{made}' (FORMAT parquet)")
    return made.read_bytes()


def keys(home: Home) -> list[Any]:
    return [key for (key,) in home.rows(columns=("result_id",))]


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "xlsx", "parquet"])
def test_a_file_without_key_has_it_composed_whatever_its_format(home: Home, kind: str) -> None:
    table = [HEADER, ["P/1", "N", "1.5", "G/L", "05/01/2024 08:30"], [" P2 ", "N", "2", "G/L", "2024-01-05"]]
    content: str | bytes = as_csv(*table)
    if kind == "csv.gz":
        content = gzip.compress(as_csv(*table).encode())
    elif kind == "xlsx":
        content = workbook([["Ospedale"], *table])
    elif kind == "parquet":
        home.folder.joinpath("made.csv").write_text(as_csv(*table))
        content = as_parquet(home, f"FROM read_csv('{home.folder}/made.csv', all_varchar = true)")
    home.deliver(f"udine/2024-01/lab_results.{kind}", content)
    assert home.load(small_file=LARGE).n_rows_new == 2
    assert keys(home) == [r"P\/1/2024-01-05T08:30:00/N", "P2/2024-01-05T00:00:00/N"]
    assert home.rows(columns=("patient_id", "collected_at")) == [
        ("P/1", "05/01/2024 08:30"),
        (" P2 ", "2024-01-05"),
    ]
    [(composed, columns)] = home.query("SELECT keys_composed, columns FROM main.input_file")
    assert composed
    assert json.loads(columns) == {name: name for name in HEADER}


def test_the_same_record_has_the_same_key_in_any_spelling_and_format(home: Home) -> None:
    home.deliver("udine/2024-01/lab_results.csv", as_csv(HEADER, ["P1", "N", 1, "G/L", "05/01/2024 08:30"]))
    home.deliver(
        "udine/2024-02/lab_results.xlsx", workbook([HEADER, ["P1", "N", 1, "G/L", dt.datetime(2024, 1, 5, 8, 30)]])
    )
    select = "SELECT 'P1' AS patient_id, 'N' AS test_code, 1 AS value, 'G/L' AS unit, TIMESTAMP '2024-01-05 08:30' AS "
    home.deliver("udine/2024-03/lab_results.parquet", as_parquet(home, select + "collected_at"))
    wide = "wide: {lab_results: {tests: {Neu: {code: N, unit: G/L}}}}\ncodes: {tests: {N: anc}}\n"
    home.deliver("udine/site.yml", KEYS + FORMATS + wide)
    home.deliver("udine/2024-04/lab_results.csv", "patient_id,collected_at,Neu\nP1,2024-01-05T08:30,1\n")
    home.load()
    assert set(keys(home)) == {"P1/2024-01-05T08:30:00/N"}


@BOTH_WAYS
def test_a_file_with_the_key_uses_it_and_one_without_keys_in_site_yml_is_refused(home: Home, small_file: int) -> None:
    home.deliver(
        "udine/2024-01/lab_results.csv", as_csv(["result_id", *HEADER], ["R7", "P1", "N", 1, "G/L", "2024-01-05"])
    )
    home.load(small_file=small_file)
    assert keys(home) == ["R7"]
    assert home.query("SELECT keys_composed FROM main.input_file") == [(False,)]
    home.deliver("udine/2024-02/lab_results.csv", as_csv(HEADER))
    home.deliver("udine/site.yml", FORMATS)
    with pytest.raises(UserError, match=r"no column result_id in the header.*keys: lab_results"):
        home.load(small_file=small_file)


def test_a_column_of_the_key_that_is_missing_is_named(home: Home) -> None:
    home.deliver("udine/2024-01/lab_results.csv", as_csv(HEADER[:4]))
    with pytest.raises(UserError, match=r"no column result_id .* it can't be composed without collected_at"):
        home.load()


@pytest.mark.parametrize("column", ["patient_id", "test_code", "collected_at"])
def test_a_blank_part_gives_no_key(home: Home, column: str) -> None:
    home.deliver("udine/site.yml", KEYS + 'missing: ["n.p."]\n')
    rows = [["" if name == column else "1" for name in HEADER], ["N.P." if name == column else "1" for name in HEADER]]
    home.deliver("udine/2024-01/lab_results.csv", as_csv(HEADER, *rows))
    home.load()
    assert keys(home) == [None, None]


def numbers(home: Home) -> list[str]:
    return [key.partition("/N")[2] for key in keys(home)]


def test_other_content_under_a_days_key_is_numbered_and_the_same_content_is_not(home: Home) -> None:
    days = ["2024-01-05", "2024-01-05", "2024-01-05", "05/01/2024", "2024-01-05"]
    values = ["1", "2", " 1 ", "3", "2"]
    rows = [["P1", "N", value, "G/L", day] for day, value in zip(days, values, strict=True)]
    home.deliver("udine/2024-01/lab_results.csv", as_csv(HEADER, *rows))
    home.load()
    assert numbers(home) == ["", "//2", "", "//3", "//2"]


@pytest.mark.parametrize("kind", ["long", "wide"])
def test_a_cancellation_of_a_day_has_a_key_of_its_own_and_one_of_an_exact_time_the_records(
    home: Home, kind: str
) -> None:
    wide = "wide: {lab_results: {tests: {Neu: {code: N, unit: G/L}}}}\ncodes: {tests: {N: anc}}\n"
    home.deliver("udine/site.yml", KEYS + wide)
    table = [["patient_id", "collected_at", "status", *(["Neu"] if kind == "wide" else HEADER[1:4])]]
    for time, value, status in [("", 1, ""), ("", 2, ""), ("", 2, " Cancelled"), ("T08:30", 1, "cancelled")]:
        table.append(["P1", f"2024-01-05{time}", status, *([value] if kind == "wide" else ["N", value, "G/L"])])
    home.deliver("udine/2024-01/lab_results.csv", as_csv(*table))
    home.load()
    day = "P1/2024-01-05T00:00:00/N"
    assert keys(home) == [day, f"{day}//2", f"{day}//0", "P1/2024-01-05T08:30:00/N"]


@pytest.mark.parametrize("time", ["2024-01-05 00:00", "05/01/2024 00:00", "2024-01-05T08:30", "2024-01", "?"])
def test_a_time_a_text_that_is_no_date_and_a_partial_date_are_not_numbered(home: Home, time: str) -> None:
    home.deliver("udine/2024-01/lab_results.csv", as_csv(HEADER, *[["P1", "N", value, "G/L", time] for value in "12"]))
    home.load()
    assert numbers(home) == ["", ""]


@pytest.mark.parametrize(
    ("kind", "times", "expected"),
    [
        ("DATE", ["2024-01-05", "2024-01-05"], ["", "//2"]),
        ("TIMESTAMP", ["2024-01-05", "2024-01-05"], ["", "//2"]),
        ("TIMESTAMP_NS", ["2024-01-05", "2024-01-05"], ["", "//2"]),
        ("TIMESTAMP", ["2024-01-05", "2024-01-05", "2024-01-06 08:30"], ["", "", ""]),
        ("TIMESTAMPTZ", ["2024-01-05", "2024-01-05"], ["", ""]),
    ],
)
def test_midnight_of_parquet_is_a_day_where_the_column_holds_nothing_else(
    home: Home, kind: str, times: list[str], expected: list[str]
) -> None:
    values = ", ".join(f"({n}, {kind} '{time}')" for n, time in enumerate(times))
    select = "SELECT 'P1' AS patient_id, 'N' AS test_code, n AS value, 'G/L' AS unit, t AS collected_at FROM "
    select += f"(VALUES {values}) AS v(n, t)"
    home.deliver("udine/2024-01/lab_results.parquet", as_parquet(home, select))
    home.load()
    assert numbers(home) == expected


def test_a_date_of_excel_is_a_day_and_a_time_of_excel_a_time(home: Home) -> None:
    days = [
        dt.date(2024, 1, 5),
        dt.datetime(2024, 1, 5),
        dt.datetime(2024, 1, 6, 8, 30),
        dt.datetime(2024, 1, 6, 8, 30),
    ]
    home.deliver(
        "udine/2024-01/lab_results.xlsx",
        workbook([HEADER, *[["P1", "N", n, "G/L", day] for n, day in enumerate(days)]]),
    )
    home.load()
    assert numbers(home) == ["", "//2", "", ""]


def test_numbers_go_on_over_the_sheets_of_a_workbook(home: Home) -> None:
    sheets = [[HEADER, ["P1", "N", value, "G/L", "2024-01-05"]] for value in (1, 2, 1)]
    home.deliver("udine/2024-01/lab_results.xlsx", workbook(*sheets))
    home.load()
    assert numbers(home) == ["", "//2", ""]


def test_a_vault_made_before_learns_which_keys_were_composed(home: Home) -> None:
    from registry.vault.database import connect_vault

    wide = "wide: {lab_results: {tests: {Neu: {code: anc, unit: G/L}}}}\n"
    home.deliver("udine/site.yml", wide)
    home.deliver("udine/2024-01/lab_results_a.csv", "patient_id,collected_at,Neu\nP1,2024-01-05,1\n")
    home.deliver("udine/2024-01/lab_results_b.csv", "Result_ID,patient_id,collected_at,Neu\n7,P1,2024-01-05,1\n")
    home.load()
    with connect_vault(home.settings) as connection:
        connection.execute("ALTER TABLE main.input_file DROP COLUMN keys_composed")
    with connect_vault(home.settings):
        pass
    assert home.query("SELECT path, keys_composed FROM main.input_file ORDER BY 1") == [
        ("lab_results_a.csv", True),
        ("lab_results_b.csv", False),
    ]


@given(
    st.lists(st.text("a/\\2", min_size=1), min_size=1, max_size=4),
    st.lists(st.text("a/\\2", min_size=1), min_size=1, max_size=4),
)
def test_no_composed_key_looks_like_another_or_like_a_numbered_one(parts: list[str], others: list[str]) -> None:
    key, other = ("/".join(map(escaped, each)) for each in (parts, others))
    assert (key == other) == (parts == others)
    assert key != f"{other}//2"


@pytest.mark.parametrize(
    ("time", "read"),
    [
        ("08:30", "08:30:00"),
        ("8:30", "08:30:00"),
        ("08:30:15", "08:30:15"),
        ("08:30:15.250", "08:30:15"),
        ("08.30", "08:30:00"),
        ("8,30", "08:30:00"),
        ("0830", "08:30:00"),
        ("830", "08:30:00"),
        ("083015", "08:30:15"),
        ("8h30", "08:30:00"),
        ("8 h 30", "08:30:00"),
        ("8h", "08:00:00"),
        ("08:30 Uhr", "08:30:00"),
        ("ore 8.30", "08:30:00"),
        ("8:30 PM", "20:30:00"),
        ("12:15 a.m.", "00:15:00"),
        ("1899-12-30 08:30:00", "08:30:00"),
        ("1900-01-01T08:30:00", "08:30:00"),
        ("0 days 08:30:00", "08:30:00"),
        ("2024-01-05 08:30", "08:30:00"),
        ("08:30:00+01:00", "08:30:00+01:00"),
        ("00:00", "00:00:00"),
    ],
)
def test_a_time_that_leaves_no_doubt_is_read(time: str, read: str) -> None:
    assert joined("2024-01-05", time) == f"2024-01-05T{read}"
    assert joined(" 2024-01-05 00:00:00", f" {time}\u00a0") == f"2024-01-05T{read}"


@pytest.mark.parametrize(
    "time", ["24:00", "25:00", "08:60", "mattina", "8", "8.3", "0.354166", "0.30", "2024-01-06 08:30", "13:00 pm"]
)
def test_a_doubtful_time_stays_behind_its_date_as_sent(time: str) -> None:
    assert joined("2024-01-05", time) == f"2024-01-05 {time}"


@pytest.mark.parametrize(
    ("date", "time", "text"),
    [
        ("05/01/2024", "08:30", "05/01/2024 T08:30:00"),
        ("05/01/2024 0:00", "08:30", "05/01/2024 T08:30:00"),
        ("05/01/2024", "05/01/2024 08:30", "05/01/2024 T08:30:00"),
        ("2024-01-05 08:30:00", "08:30", "2024-01-05 08:30:00"),
        ("2024-01-05 07:00:00", "08:30", "2024-01-05 07:00:00 T08:30:00"),
        ("2024-01-05", "", "2024-01-05"),
        ("2024-01-05 00:00:00", "", "2024-01-05"),
        ("2024-01-05 07:00", "", "2024-01-05 07:00"),
        ("", "08:30", "08:30"),
        ("", "", ""),
    ],
)
def test_date_and_time_make_one_text(date: str, time: str, text: str) -> None:
    assert joined(date, time) == text


@pytest.mark.parametrize("kind", ["csv", "xlsx", "parquet", "wide"])
def test_times_of_two_columns_are_joined_whatever_the_format_and_kept_as_sent(home: Home, kind: str) -> None:
    wide = "wide: {lab_results: {tests: {Neu: {code: N, unit: G/L}}}}\ncodes: {tests: {N: anc}}\n"
    home.deliver("udine/site.yml", KEYS + FORMATS + SPLIT + wide + 'missing: ["n.p."]\n')
    name = "lab_results.csv"
    if kind in ("csv", "wide"):
        columns, cells = ("Neu", "1") if kind == "wide" else ("test_code,value,unit", "N,1,G/L")
        rows = [f"P1,{cells},05/01/2024,8.30", f"P2,{cells},05/01/2024,n.p.", f"P3,{cells},05/01/2024,mattina"]
        content: str | bytes = "\n".join([f"patient_id,{columns},Data,ORA", *rows]) + "\n"
    elif kind == "xlsx":
        name = "lab_results.xlsx"
        header = ["patient_id", "test_code", "value", "unit", "Data", "ORA"]
        day = dt.date(2024, 1, 5)
        times = [dt.time(8, 30), None, "mattina"]
        content = workbook([header, *[[f"P{n}", "N", 1, "G/L", day, time] for n, time in enumerate(times, 1)]])
    else:
        name = "lab_results.parquet"
        content = as_parquet(
            home,
            "SELECT 'P' || n AS patient_id, 'N' AS test_code, 1 AS value, 'G/L' AS unit, "
            "TIMESTAMP '2024-01-05' AS Data, CASE n WHEN 1 THEN '8:30' WHEN 3 THEN 'mattina' END AS ORA "
            "FROM range(1, 4) AS t(n)",
        )
    home.deliver(f"udine/2024-01/{name}", content)
    assert home.load().unknown_columns == set()
    day = "2024-01-05" if kind in ("xlsx", "parquet") else "05/01/2024"
    joint = "T" if kind in ("xlsx", "parquet") else " T"
    assert home.rows(columns=("collected_at",)) == [(f"{day}{joint}08:30:00",), (day,), (f"{day} mattina",)]
    assert keys(home)[:2] == ["P1/2024-01-05T08:30:00/N", "P2/2024-01-05T00:00:00/N"]
    assert [set(extra) for (extra,) in home.rows(columns=("extra",))] == [{"Data", "ORA"}] * 3
    [(columns,)] = home.query("SELECT columns FROM main.input_file")
    assert json.loads(columns)["Data"] == "collected_at.date"


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("data,collected_at", "collected_at is there twice, as one column and as date and time"),
        ("data,ora,collected_at", "collected_at is there twice, as one column and as date and time"),
        ("data,other", "no column for collected_at.time"),
        ("ora,other", "no column for collected_at.date"),
    ],
)
def test_a_time_in_two_columns_and_in_one_or_in_half_is_refused(home: Home, header: str, message: str) -> None:
    home.deliver("udine/site.yml", SPLIT)
    home.deliver("udine/2024-01/lab_results.csv", f"result_id,patient_id,test_code,value,unit,{header}\n")
    with pytest.raises(UserError, match=message) as refused:
        home.load()
    assert "site.yml" in str(refused.value)


def test_a_time_in_two_columns_on_one_sheet_and_in_one_on_another_is_refused(home: Home) -> None:
    home.deliver("udine/site.yml", SPLIT + KEYS)
    sheets = [
        [HEADER, ["P1", "N", 1, "G/L", "2024-01-05"]],
        [[*HEADER[:4], "data", "ora"], ["P1", "N", 1, "G/L", "", ""]],
    ]
    home.deliver("udine/2024-01/lab_results.xlsx", workbook(*sheets))
    with pytest.raises(UserError, match="collected_at is there twice, as one column and as date and time"):
        home.load()


def test_a_date_that_stands_above_is_carried_to_its_own_time(home: Home) -> None:
    wide = "wide: {lab_results: {tests: {Neu: {code: anc, unit: G/L}}, carry_down: [patient_id, collected_at]}}\n"
    home.deliver("udine/site.yml", SPLIT + wide)
    rows = ["P1,2024-01-05,08:30,1", ",,09:30,2", ",,,3", ",2024-01-06,,4", "P2,,10:00,5"]
    home.deliver("udine/2024-01/lab_results.csv", "\n".join(["patient_id,data,ora,Neu", *rows]))
    home.load()
    assert home.rows(columns=("collected_at",)) == [
        ("2024-01-05T08:30:00",),
        ("2024-01-05T09:30:00",),
        ("2024-01-05T09:30:00",),
        ("2024-01-06",),
        ("10:00",),
    ]


def test_what_site_yml_says_of_keys_and_parts_has_files_read_again(home: Home) -> None:
    home.deliver("udine/site.yml", "columns: {lab_results: {Codice: result_id}}\n")
    home.deliver(
        "udine/2024-01/lab_results.csv", as_csv(["Codice", *HEADER], ["R7", "P1", "N", 1, "G/L", "2024-01-05"])
    )
    home.load()
    home.deliver("udine/site.yml", KEYS)
    assert home.load().n_files_replaced == 1
    assert keys(home) == ["P1/2024-01-05T00:00:00/N"]
