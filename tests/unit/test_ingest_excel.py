"""Excel into raw: workbooks as people keep them, with titles, several sheets, and sheets that hold other things."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from pathlib import Path

import openpyxl
import pytest
from delivered import Home
from workbooks import workbook

from registry.errors import UserError

HEADER = ["result_id", "patient_id", "test_code", "value", "unit", "collected_at"]
PLACE = "udine/2024-01/lab_results.xlsx"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def result(key: str, value: object = 1) -> list[object]:
    return [key, "P1", "c", value, "u", "d"]


def test_titles_and_blank_rows_above_the_header_are_no_records(home: Home) -> None:
    titles = [["Ospedale di Udine"], [], [None, "Stampato il", dt.date(2024, 2, 1)], []]

    def merge(book: openpyxl.Workbook) -> None:
        book.worksheets[0].merge_cells("A1:F1")

    home.deliver(PLACE, workbook([*titles, HEADER, result("r1"), [], result("r2")], touch=merge))
    assert home.load().unread_sheets == set()
    assert home.rows(columns=("record_number", "result_id", "extra")) == [(1, "r1", None), (2, "r2", None)]


def test_the_header_is_found_by_the_sites_own_name_for_the_key(home: Home) -> None:
    home.deliver("udine/site.yml", "columns: {lab_results: {ID Esame: result_id}}")
    home.deliver(PLACE, workbook([["result list"], ["id esame ", *HEADER[1:]], result("r1")]))
    home.load()
    assert home.rows(columns=("result_id",)) == [("r1",)]


@pytest.mark.parametrize(("n_titles", "is_found"), [(49, True), (50, False)])
def test_the_header_stands_within_the_first_fifty_rows_that_are_not_empty(
    home: Home, n_titles: int, is_found: bool
) -> None:
    titles = [row for number in range(n_titles) for row in ([f"note {number}"], [])]
    home.deliver(PLACE, workbook([*titles, HEADER, result("r1")]))
    if is_found:
        home.load()
    else:
        with pytest.raises(UserError, match=f"{PLACE}: no sheet has the column result_id within its first 50 rows"):
            home.load()
    assert len(home.rows()) == is_found


def test_a_table_may_begin_anywhere_and_nameless_columns_count_only_with_cells(home: Home) -> None:
    table = [[None, "n", None, *HEADER], [None, 1, None, *result("r1")], [None, 2, None, *result("r2")]]
    home.deliver(PLACE, workbook([["title"], *table]))
    assert home.load().unknown_columns == {("udine", "n")}
    home.deliver("udine/2024-02/lab_results.xlsx", workbook([[None, *HEADER], ["new", *result("r3")]]))
    assert home.load().unknown_columns == {("udine", "column 1")}
    assert home.rows(columns=("result_id", "extra")) == [
        ("r1", {"n": "1"}),
        ("r2", {"n": "2"}),
        ("r3", {"column 1": "new"}),
    ]


def test_every_sheet_that_fits_is_read_in_order_and_records_are_numbered_on(home: Home) -> None:
    first, second = [HEADER, result("r1"), result("r2")], [["Q2"], HEADER, result("r3")]
    home.deliver(PLACE, workbook(first, second, [HEADER], [HEADER, result("r4")]))
    assert home.load().n_rows_new == 4
    assert home.rows(columns=("record_number", "result_id")) == [(1, "r1"), (2, "r2"), (3, "r3"), (4, "r4")]


def test_sheets_are_brought_together_by_the_names_of_their_columns(home: Home) -> None:
    home.deliver("udine/site.yml", "columns: {lab_results: {id: result_id}}")
    first = [HEADER, result("r1", 1)]
    second = [["Ward", "unit", "value", "collected_at", "test_code", "patient_id", "ID"]]
    second.append(["onco", "u", "2", "d", "c", "P1", "r2"])
    third = [[*HEADER, "WARD"], [*result("r3", 3), "neuro"]]
    home.deliver(PLACE, workbook(first, second, third))
    home.load()
    assert home.rows(columns=("result_id", "value", "unit", "extra")) == [
        ("r1", "1", "u", {"Ward": None}),
        ("r2", "2", "u", {"Ward": "onco"}),
        ("r3", "3", "u", {"Ward": "neuro"}),
    ]


def test_a_sheet_that_does_not_fit_is_reported_and_empty_ones_and_charts_are_not(home: Home) -> None:
    def chart(book: openpyxl.Workbook) -> None:
        book.create_chartsheet("chart", 0)

    sheets = [[["Legend"], ["NEU#", "mila/mmc"]], [], [HEADER, result("r1")], [["", "note"]]]
    home.deliver(PLACE, workbook(*sheets, touch=chart))
    assert home.load().unread_sheets == {(PLACE, 2), (PLACE, 5)}
    assert home.rows(columns=("result_id",)) == [("r1",)]
    assert home.load().unread_sheets == set()


def test_a_legend_that_explains_the_columns_is_no_table_of_them(home: Home) -> None:
    legend = [["Column", "Meaning"], *([column, "what it holds"] for column in HEADER)]
    home.deliver(PLACE, workbook(legend, [HEADER, result("r1")]))
    assert home.load().unread_sheets == {(PLACE, 1)}
    assert home.rows(columns=("result_id", "extra")) == [("r1", None)]


def test_a_table_of_keys_alone_is_a_table(home: Home) -> None:
    home.deliver("udine/2024-01/patients.xlsx", workbook([["Patients"], ["patient_id"], ["P1"], ["P2"]]))
    home.load("patients")
    assert home.rows("patients", ("patient_id",)) == [("P1",), ("P2",)]


def test_hidden_sheets_and_rows_are_read_like_visible_ones(home: Home) -> None:
    def hide(book: openpyxl.Workbook) -> None:
        book.worksheets[1].sheet_state = "hidden"
        book.worksheets[2].sheet_state = "veryHidden"
        book.worksheets[0].row_dimensions[2].hidden = True

    home.deliver(PLACE, workbook(*([HEADER, result(f"r{n}")] for n in (1, 2, 3)), touch=hide))
    home.load()
    assert home.rows(columns=("result_id",)) == [("r1",), ("r2",), ("r3",)]


@pytest.mark.parametrize("sheets", [[[]], [[], [["", " "]]]])
def test_an_empty_workbook_is_one_clear_error(home: Home, sheets: list[list[list[object]]]) -> None:
    home.deliver(PLACE, workbook(*sheets))
    with pytest.raises(UserError, match=f"{PLACE}: the workbook is empty and has no header"):
        home.load()


def test_a_header_alone_is_loaded_and_accounted(home: Home) -> None:
    home.deliver(PLACE, workbook([["title"], HEADER]))
    assert home.load().n_files_new == 1
    assert home.query("SELECT n_rows FROM main.input_file") == [(0,)]


def test_a_bad_header_is_told_with_its_sheet(home: Home) -> None:
    home.deliver(PLACE, workbook([HEADER, result("r1")], [[*HEADER, "Unit"]]))
    with pytest.raises(UserError, match=f"{PLACE}, sheet 2: columns 5 and 7 both mean unit"):
        home.load()


def test_a_cell_beyond_the_header_makes_the_row_malformed(home: Home) -> None:
    home.deliver(PLACE, workbook([HEADER, [*result("r1"), "note"]]))
    home.load()
    assert home.rows(columns=("result_id", "malformed")) == [(None, "r1\tP1\tc\t1\tu\td\tnote")]


@pytest.mark.parametrize("start", range(200, 4000, 400))
def test_a_damaged_workbook_is_refused_in_one_line_or_read_whole(home: Home, start: int) -> None:
    whole = workbook([HEADER, *(result(f"r{n}", n * 7919 % 997) for n in range(50))])
    home.deliver(PLACE, whole[:start] + bytes(100) + whole[start + 100 :])
    with suppress(UserError):
        home.load()
    assert len(home.rows()) in (0, 50)


def test_another_format_under_the_name_of_a_workbook_is_refused(home: Home) -> None:
    home.deliver(PLACE, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1000))
    with pytest.raises(UserError, match=r"not a readable Excel workbook: .* save it again as .xlsx"):
        home.load()
