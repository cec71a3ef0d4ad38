"""Which files are wide, and when they are read again."""

from __future__ import annotations

from pathlib import Path

import pytest
from delivered import Home
from wide_site import HEADER, SITE, as_csv
from workbooks import workbook

from registry import ingest
from registry.errors import UserError
from registry.vault.database import connect_vault


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    home.deliver("udine/site.yml", SITE)
    return home


def test_a_long_file_of_the_same_site_is_read_as_ever(home: Home) -> None:
    header = "result_id,patient_id,test_code,value,unit,collected_at"
    home.deliver("udine/2024-01/lab_results.csv", f"{header}\nr1,P1,NEU#,1,u,d\n")
    home.load()
    assert home.rows(columns=("record_number", "result_id", "value")) == [(1, "r1", "1")]
    assert home.query("SELECT cells_per_record FROM main.input_file") == [(1,)]


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ([*HEADER, "value", "unit"], "both a column value, unit and columns of tests"),
        (["ID", "Neutrofili"], "no column collected_at: patient and time identify a draw"),
        (["Accettazione", "ID", "Neutrofili"], "no column collected_at; export it"),
        ([*HEADER, "neutrofili"], "columns 3 and 5 both mean NEU#"),
        (["ID", "Data"], "no column result_id in the header"),
    ],
)
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_header_that_is_neither_wide_nor_long_is_refused(
    home: Home, kind: str, header: list[str], message: str
) -> None:
    row = ["1"] * len(header)
    home.deliver(f"udine/2024-01/lab_results.{kind}", as_csv(header, row) if kind == "csv" else workbook([header, row]))
    if header == ["ID", "Data"] and kind == "xlsx":
        message = "no sheet has the column result_id .* or the tests of a wide table"
    with pytest.raises(UserError, match=message):
        home.load()


def test_a_long_sheet_beside_a_wide_one_is_refused(home: Home) -> None:
    long = ["result_id", "patient_id", "test_code", "value", "unit", "collected_at"]
    home.deliver("udine/2024-01/lab_results.xlsx", workbook([HEADER, ["P1", "d", 1, 2]], [long, list("abcdef")]))
    with pytest.raises(UserError, match="both a column test_code, value, unit and columns of tests"):
        home.load()


@pytest.mark.parametrize(
    "changed",
    [SITE.replace("unit: G/L", "unit: /uL"), SITE.replace(", collected_at]", "]"), SITE.replace(" %H", "-%H")],
)
def test_a_corrected_wide_table_reads_the_old_file_anew(home: Home, changed: str) -> None:
    home.deliver("udine/2024-01/lab_results.csv", as_csv(HEADER, ["P1", "1", "1", "2"]))
    home.load()
    assert not home.load().changed
    home.deliver("udine/site.yml", changed)
    assert home.load().n_files_replaced == 1
    assert len(home.rows()) == 2


def test_a_vault_from_before_wide_tables_takes_them(home: Home) -> None:
    with connect_vault(home.settings) as connection:
        connection.execute("ALTER TABLE main.input_file DROP COLUMN cells_per_record")
        connection.execute("INSERT INTO main.input_file (file_no) VALUES (1)")
    home.deliver("udine/2024-01/lab_results.csv", as_csv(HEADER, ["P1", "1", "1", "2"]))
    home.load()
    assert home.query("SELECT file_no, cells_per_record FROM main.input_file ORDER BY 1") == [(1, 1), (2, 2)]


def test_an_analytes_name_needs_no_code_map(home: Home) -> None:
    ingest.write_config(home.settings, ingest.load_profiles(home.settings))
    assert home.query("SELECT local_code, target FROM config.code_map ORDER BY 1") == [("NEU#", "anc"), ("wbc", "wbc")]
