"""The header of delimited text: columns are known by their names, and what does not fit is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from delivered import BOTH_WAYS, LAB_HEADER, LAB_PLACE, Home

from registry.errors import UserError


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@BOTH_WAYS
def test_headers_match_without_case_order_or_blanks_and_unknown_ones_are_kept(home: Home, small_file: int) -> None:
    header = '"Unit", VALUE ,Reparto,collected_at,test_code,Patient_ID,RESULT_ID,'
    home.deliver(LAB_PLACE, f"{header}\nu,1,onco,d,c,P1,r1,\nu,2,,d,c,P1,r2,\n")
    result = home.load(small_file=small_file)
    assert home.rows(columns=("result_id", "value", "extra")) == [
        ("r1", "1", {"Reparto": "onco"}),
        ("r2", "2", {"Reparto": None}),
    ]
    assert result.unknown_columns == {("udine", "Reparto")}


@BOTH_WAYS
def test_the_sites_own_column_names_are_translated(home: Home, small_file: int) -> None:
    home.deliver("udine/site.yml", 'csv: {delimiter: ";"}\ncolumns: {lab_results: {ID_Esame: result_id}}')
    home.deliver(LAB_PLACE, "id_esame;patient_id;test_code;value;unit;collected_at\nr1;P1;c;1,5;u;d\n")
    home.load(small_file=small_file)
    assert home.cells() == [(1, "r1", "1,5", None)]


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
    home.deliver(LAB_PLACE, f"{header}\n" + "1,2,3,4,5,6,7,8\n"[: 2 * len(header.split(",")) - 1] + "\n")
    with pytest.raises(UserError, match=message):
        home.load(small_file=small_file)
    assert home.query("SELECT * FROM main.input_file") == []


def test_a_file_without_header_does_not_get_its_first_patient_into_the_message(home: Home) -> None:
    home.deliver(LAB_PLACE, "r1,Rossi Mario,751-8,1.5,10*9/L,2024-01-05\n")
    with pytest.raises(UserError) as caught:
        home.load()
    assert "Rossi" not in str(caught.value)
    assert caught.value.__cause__ is None


@BOTH_WAYS
def test_a_file_that_only_takes_rows_back_needs_its_key_alone(home: Home, small_file: int) -> None:
    home.deliver(LAB_PLACE, "result_id,status\nr1, Cancelled \nr2,cancelled\n")
    assert home.load(small_file=small_file).n_rows_new == 2


@BOTH_WAYS
def test_a_file_with_one_other_row_needs_its_columns(home: Home, small_file: int) -> None:
    home.deliver(LAB_PLACE, "result_id,status\nr1,cancelled\nr2,final\n")
    with pytest.raises(UserError, match="no column patient_id, test_code, value, unit, collected_at"):
        home.load(small_file=small_file)
    assert home.rows() == []


@BOTH_WAYS
def test_a_file_of_a_header_alone_is_loaded_and_accounted(home: Home, small_file: int) -> None:
    home.deliver(LAB_PLACE, LAB_HEADER)
    assert home.load(small_file=small_file).n_files_new == 1
    assert home.query("SELECT n_rows, is_current FROM main.input_file") == [(0, True)]


@BOTH_WAYS
@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf"])
def test_a_file_without_a_header_is_refused(home: Home, small_file: int, content: bytes) -> None:
    home.deliver(LAB_PLACE, content)
    with pytest.raises(UserError, match=r"udine/2024-01/lab_results.csv: the file is empty and has no header"):
        home.load(small_file=small_file)


@BOTH_WAYS
def test_a_header_in_another_encoding_is_told(home: Home, small_file: int) -> None:
    home.deliver(LAB_PLACE, (LAB_HEADER + ",unità\n").encode("latin-1"))
    with pytest.raises(UserError, match=r"the header is not valid utf-8: set csv\.encoding"):
        home.load(small_file=small_file)


@BOTH_WAYS
def test_a_header_with_a_line_end_in_quotes_is_one_header(home: Home, small_file: int) -> None:
    home.deliver(LAB_PLACE, f'"ward\nfloor",{LAB_HEADER}\nonco,r1,P1,c,1,u,d\n')
    home.load(small_file=small_file)
    assert home.rows(columns=("result_id", "extra")) == [("r1", {"ward\nfloor": "onco"})]


@BOTH_WAYS
@pytest.mark.parametrize(
    "first_line", ["sep=;\n", "SEP=;\r\n", '"sep=;"\n', "sep=;;;;;\n", "\ufeffsep=;\n", "\nsep=;\n"]
)
def test_a_first_line_may_name_the_delimiter(home: Home, small_file: int, first_line: str) -> None:
    rows = f"{LAB_HEADER}\nr1,P1,c,1,u,d\nr2,P1,c,2,u,d\n".replace(",", ";").replace("1", "1,5")
    home.deliver(LAB_PLACE, first_line + rows)
    home.load(small_file=small_file)
    assert home.rows(columns=("record_number", "value")) == [(1, "1,5"), (2, "2")]


@BOTH_WAYS
def test_a_named_delimiter_goes_before_the_sites_and_is_told_in_any_encoding(home: Home, small_file: int) -> None:
    home.deliver("udine/site.yml", 'csv: {encoding: utf-16, delimiter: ";"}')
    home.deliver(LAB_PLACE, f"sep=\t\r\n{LAB_HEADER}\r\nr1,P1,è,1,u,d".replace(",", "\t").encode("utf-16"))
    home.load(small_file=small_file)
    assert home.rows(columns=("test_code", "value")) == [("è", "1")]


@BOTH_WAYS
def test_a_named_delimiter_alone_is_no_header(home: Home, small_file: int) -> None:
    home.deliver(LAB_PLACE, "sep=;\n")
    with pytest.raises(UserError, match="the file is empty and has no header"):
        home.load(small_file=small_file)
