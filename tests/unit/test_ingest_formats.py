"""Excel and Parquet into raw: typed cells become the text that the site would have written."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from delivered import Home
from workbooks import workbook

from registry.errors import UserError

HEADER = ["result_id", "patient_id", "test_code", "value", "unit", "collected_at"]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def parquet(folder: Path, select: str) -> bytes:
    path = folder / "made.parquet"
    duckdb.connect().execute(f"COPY ({select}) TO '{path}' (FORMAT parquet)")
    return path.read_bytes()


def test_a_typed_number_of_a_site_with_decimal_comma_is_not_read_ten_times_too_high(home: Home) -> None:
    home.deliver("udine/site.yml", 'csv: {decimal: ",", thousands: "."}')
    home.deliver("udine/2024-01/lab_results.xlsx", workbook([HEADER, ["r1", "P1", "c", 1.234, "u", "d"]]))
    select = (
        "SELECT 'r2' result_id, 'P1' patient_id, 'c' test_code, 1.234::DOUBLE AS \"value\", 'u' unit, 'd' collected_at"
    )
    home.deliver("udine/2024-01/lab_results_2.parquet", parquet(home.folder, select))
    home.load()
    assert home.rows(columns=("value",)) == [("1,234",), ("1,234",)]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off", b"result_id,patient_id\n"])
@pytest.mark.parametrize("name", ["lab_results.xlsx", "lab_results.parquet"])
def test_a_broken_file_is_refused_by_its_place(home: Home, name: str, content: bytes) -> None:
    home.deliver(f"udine/2024-01/{name}", content)
    with pytest.raises(UserError, match=f"udine/2024-01/{name}: not a readable"):
        home.load()
    assert home.query("SELECT * FROM main.input_file") == []


def test_a_parquet_file_cut_off_in_its_middle_is_refused(home: Home) -> None:
    select = (
        "SELECT range::VARCHAR result_id, 'P1' patient_id, 'c' test_code, hash(range)::VARCHAR AS \"value\", 'u' unit, "
        "'d' collected_at FROM range(9999)"
    )
    whole = parquet(home.folder, select)
    home.deliver("udine/2024-01/lab_results.parquet", whole[:1000] + bytes(2000) + whole[3000:])
    with pytest.raises(UserError, match="not a readable Parquet file"):
        home.load()
    assert home.rows() == []


def test_typed_parquet_columns_become_plain_text_in_the_files_order(home: Home) -> None:
    select = """
        SELECT id AS "Result_ID", 'P' || id AS patient_id, 'c'::BLOB AS test_code, v::DOUBLE AS "value", 'u' AS unit,
            t AS collected_at, DATE '2024-01-31' AS ward_date, 1.50::DECIMAL(9, 2) AS reference_low,
            true AS reference_high
        FROM (VALUES
            (1, 1.0, TIMESTAMPTZ '2024-01-05 08:30:00+02'), (2, 0.55, NULL), (3, 1.1e-5, NULL), (4, NULL, NULL)
        ) AS cells(id, v, t)
    """
    home.deliver("udine/2024-01/lab_results.parquet", parquet(home.folder, select))
    home.load()
    assert home.rows(columns=("record_number", "result_id", "test_code", "value", "collected_at")) == [
        (1, "1", "c", "1", "2024-01-05 06:30:00+00"),
        (2, "2", "c", "0.55", None),
        (3, "3", "c", "0.000011", None),
        (4, "4", "c", None, None),
    ]
    assert home.rows(columns=("reference_low", "reference_high", "extra"))[0] == (
        "1.50",
        "true",
        {"ward_date": "2024-01-31"},
    )


def test_parquet_columns_with_one_name_are_refused(home: Home) -> None:
    select = (
        "SELECT 'r' AS result_id, 'P' AS patient_id, 'c' AS test_code, '1' AS \"value\", '2' AS valuX, 'u' AS unit, "
        "'d' AS collected_at"
    )
    content = parquet(home.folder, select).replace(b"valuX", b"Value")
    home.deliver("udine/2024-01/lab_results.parquet", content)
    with pytest.raises(UserError, match="two columns have the same header; export each column once"):
        home.load()


def test_a_parquet_file_that_only_takes_rows_back_needs_its_key_alone(home: Home) -> None:
    home.deliver(
        "udine/2024-01/lab_results.parquet", parquet(home.folder, "SELECT 'r1' result_id, 'Cancelled ' status")
    )
    assert home.load().n_rows_new == 1


def test_a_home_with_odd_characters_in_its_name_is_no_pattern(tmp_path: Path) -> None:
    home = Home(tmp_path / "it's [a] *home")
    select = "SELECT 'r1' result_id, 'P1' patient_id, 'c' test_code, '1' AS \"value\", 'u' unit, 'd' collected_at"
    home.deliver("udine/2024-01/lab_results.parquet", parquet(tmp_path, select))
    home.deliver("udine/2024-01/lab_results_[2].csv", ",".join(HEADER) + "\nr2,P1,c,1,u,d\n")
    home.load(small_file=0)
    assert home.rows(columns=("result_id",)) == [("r1",), ("r2",)]
