"""Wide laboratory tables into raw: each filled cell is a result, whatever the file's format."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from delivered import LARGE, SMALL, Home
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from wide_site import HEADER, SITE, as_csv
from workbooks import workbook

RESULT = ("record_number", "result_id", "patient_id", "test_code", "test_name", "value", "unit", "collected_at")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    home.deliver("udine/site.yml", SITE)
    return home


def keys(home: Home) -> list[Any]:
    return [key for (key,) in home.rows(columns=("result_id",))]


TABLE = [
    ["ID", " neutrofili ", "Data", "LEUCOCITI"],
    ["P1", "1.5", "05/01/2024", "4"],
    ["", "<0.5", "2024-01-06", ""],
    ["P2", "", "07/01/2024 08:30", "5,1"],
]


@pytest.mark.parametrize("form", ["csv", "csv by DuckDB's size", "csv.gz", "xlsx", "parquet"])
def test_every_filled_cell_of_a_test_is_a_result(home: Home, form: str) -> None:
    kind = form.split(maxsplit=1)[0]
    content: str | bytes = as_csv(*TABLE)
    if kind == "csv.gz":
        content = gzip.compress(as_csv(*TABLE).encode())
    elif kind == "xlsx":
        content = workbook([["Ospedale"], [], *TABLE])
    elif kind == "parquet":
        source, made = home.deliver("udine.txt", content), home.folder / "made.parquet"
        duckdb.connect().execute(f"COPY (FROM read_csv('{source}', all_varchar = true)) TO '{made}' (FORMAT parquet)")
        source.unlink()
        content = made.read_bytes()
    home.deliver(f"udine/2024-01/lab_results.{kind}", content)
    assert home.load(small_file=SMALL if form == "csv" else LARGE).n_rows_new == 4
    neutrophils = ("NEU#", TABLE[0][1].strip())
    leukocytes = ("wbc", TABLE[0][3])
    assert home.rows(columns=RESULT) == [
        (1, "P1/2024-01-05T00:00:00/NEU#", "P1", *neutrophils, "1.5", "mila/mmc", "05/01/2024"),
        (2, "P1/2024-01-05T00:00:00/wbc", "P1", *leukocytes, "4", "G/L", "05/01/2024"),
        (3, "P1/2024-01-06T00:00:00/NEU#", "P1", *neutrophils, "<0.5", "mila/mmc", "2024-01-06"),
        (6, "P2/2024-01-07T08:30:00/wbc", "P2", *leukocytes, "5,1", "G/L", "07/01/2024 08:30"),
    ]
    [(columns, n_rows, per_record)] = home.query("SELECT columns, n_rows, cells_per_record FROM main.input_file")
    assert (n_rows, per_record) == (4, 2)
    assert json.loads(columns)[leukocytes[1]] == "value of wbc"


def test_typed_cells_of_parquet_are_read_in_utc(home: Home) -> None:
    made = home.folder / "made.parquet"
    select = "SELECT 'P1' AS ID, TIMESTAMPTZ '2024-01-05 08:30:00+02' AS Data, 0.55::DOUBLE AS Neutrofili"
    duckdb.connect().execute(f"COPY ({select}) TO '{made}' (FORMAT parquet)")
    home.deliver("udine/2024-01/lab_results.parquet", made.read_bytes())
    home.load()
    assert home.rows(columns=("value", "collected_at")) == [("0.55", "2024-01-05 06:30:00+00")]


def test_a_typed_date_and_its_text_are_one_draw(home: Home) -> None:
    import datetime as dt

    home.deliver("udine/2024-01/lab_results.csv", as_csv(HEADER, ["P1", "05/01/2024 08:30", "1", ""]))
    typed = workbook([HEADER, ["P1", dt.datetime(2024, 1, 5, 8, 30), 2, None]])
    home.deliver("udine/2024-02/lab_results.xlsx", typed)
    home.load()
    assert keys(home) == ["P1/2024-01-05T08:30:00/NEU#"] * 2


def test_a_key_of_the_draw_and_a_specimen_make_the_keys(home: Home) -> None:
    home.deliver("udine/2024-01/lab_results_a.csv", as_csv(["Accettazione", *HEADER], ["A/7 ", "P1", "d", "1", "2"]))
    home.deliver("udine/2024-01/lab_results_b.csv", as_csv(["Campione", *HEADER], [" S1", "P/1", "d", "1", ""]))
    home.load()
    assert keys(home) == ["A/7/NEU#", "A/7/wbc", r"P\/1/S1/d/NEU#"]
    assert home.rows(columns=("specimen_id",)) == [(None,), (None,), (" S1",)]


@pytest.mark.parametrize("column", ["Accettazione", "ID", "Data"])
def test_a_result_whose_draw_is_not_known_has_no_key(home: Home, column: str) -> None:
    home.deliver("udine/site.yml", SITE.replace("[patient_id, collected_at]", "[]"))
    header = ["Accettazione", *HEADER] if column == "Accettazione" else HEADER
    home.deliver("udine/2024-01/lab_results.csv", as_csv(header, ["" if c == column else "1" for c in header]))
    home.load()
    assert keys(home) == [None, None]


def test_what_stands_above_is_carried_down_but_never_to_another_patient(home: Home) -> None:
    rows = [["P1", "1", "1", ""], ["", "", "2", ""], ["P1", "", "3", ""], ["P2", "", "4", ""], ["", "5", "5", ""]]
    home.deliver("udine/2024-01/lab_results.csv", as_csv(HEADER, *rows))
    home.load()
    assert home.rows(columns=("patient_id", "collected_at", "value")) == [
        ("P1", "1", "1"),
        ("P1", "1", "2"),
        ("P1", "1", "3"),
        ("P2", None, "4"),
        ("P2", "5", "5"),
    ]


def test_nothing_is_carried_over_a_malformed_record_which_is_one_row(home: Home) -> None:
    home.deliver("udine/2024-01/lab_results.csv", as_csv(HEADER, ["P1", "1", "1", ""], ["P2", "1"], ["", "3", "3", ""]))
    assert home.load().n_malformed == 1
    assert home.rows(columns=("record_number", "patient_id", "value", "malformed")) == [
        (1, "P1", "1", None),
        (3, None, None, "P2,1"),
        (5, None, "3", None),
    ]


def test_nothing_is_carried_from_one_sheet_to_the_next_and_n_is_of_all_sheets(home: Home) -> None:
    first = [["ID", "Data", "Neutrofili"], ["P1", "1", "1"]]
    second = [["ID", "Data", "Leucociti"], ["", "2", "2"], ["P3", "3", "3"]]
    home.deliver("udine/2024-01/lab_results.xlsx", workbook(first, [["Neutrofili", "mila/mmc"]], second))
    assert home.load().unread_sheets == {("udine/2024-01/lab_results.xlsx", 2)}
    assert home.rows(columns=("record_number", "patient_id", "test_code", "value")) == [
        (1, "P1", "NEU#", "1"),
        (4, None, "wbc", "2"),
        (6, "P3", "wbc", "3"),
    ]


def test_a_draw_without_any_result_is_one_row_that_takes_no_results_place(home: Home) -> None:
    home.deliver("udine/2024-01/lab_results.csv", as_csv(HEADER, ["P1", "d", "", " "], ["P1", "d", "1", ""]))
    assert home.load().n_rows_new == 2
    assert home.rows(columns=("record_number", "result_id", "value")) == [(1, "P1/d", None), (3, "P1/d/NEU#", "1")]


def test_a_cancelled_draw_takes_all_its_results_back(home: Home) -> None:
    header = [*HEADER, "status"]
    home.deliver("udine/2024-01/lab_results.csv", as_csv(header, ["P1", "d", "", "4", " Cancelled"]))
    home.load()
    assert home.rows(columns=("result_id", "value", "status")) == [
        ("P1/d/NEU#", None, " Cancelled"),
        ("P1/d/wbc", "4", " Cancelled"),
    ]


def test_columns_that_nobody_knows_stay_beside_each_result(home: Home) -> None:
    home.deliver("udine/2024-01/lab_results.csv", as_csv([*HEADER, "PCR"], ["P1", "d", "1", "2", "3"]))
    assert home.load().unknown_columns == {("udine", "PCR")}
    assert home.rows(columns=("value", "extra")) == [("1", {"PCR": "3"}), ("2", {"PCR": "3"})]


CELLS = st.text(alphabet=st.sampled_from("1.<,;'\"/\\ é\n-"), max_size=4)


@hypothesis_settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(
        st.tuples(st.sampled_from(["", "P1", "P2", "P/3"]), st.sampled_from(["d1", "d2"]), CELLS, CELLS, CELLS)
    ),
    small_file=st.sampled_from([SMALL, LARGE]),
)
def test_a_wide_file_loads_as_the_same_results_in_a_long_one(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, ...]], small_file: int
) -> None:
    """But for record numbers. The long file is written out by hand here, result by result."""
    home = Home(tmp_path_factory.mktemp("wide"))
    home.deliver("udine/site.yml", SITE.replace("[patient_id, collected_at]", "[patient_id]"))
    wide = [["ID", "Leucociti", "Data", "Ward", "Neutrofili"]]
    long = [["result_id", "patient_id", "test_code", "test_name", "value", "unit", "collected_at", "ward"]]
    patient = ""
    for sent, day, neutrophils, leukocytes, ward in rows:
        wide.append([sent, leukocytes, day, ward, neutrophils])
        patient = sent or patient
        key = f"{patient}/{day}".replace("P/3", r"P\/3") if patient else ""
        results = [("wbc", "Leucociti", leukocytes, "G/L"), ("NEU#", "Neutrofili", neutrophils, "mila/mmc")]
        filled = [(key and f"{key}/{result[0]}", *result) for result in results if result[2].strip()]
        for own_key, code, name, value, unit in filled or [(key, "wbc", "Leucociti", "", "G/L")]:
            long.append([own_key, patient, code, name, value, unit, day, ward])
    home.deliver("udine/2024-01/lab_results.csv", as_csv(*wide))
    home.deliver("udine/2024-02/lab_results.csv", as_csv(*long))
    home.load(small_file=small_file)
    columns = "result_id, patient_id, test_code, test_name, value, unit, collected_at, map_values(extra), malformed"
    read = [
        home.query(
            f"SELECT {columns} FROM raw.lab_results INNER JOIN main.input_file USING (file_no) "
            f"WHERE delivery = '{month}' ORDER BY record_number"
        )
        for month in ("2024-01", "2024-02")
    ]
    assert read[0] == read[1]
    assert len(read[0]) == len(long) - 1
