"""Excel into raw: cells typed in every way become the text that the site would have written."""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from pathlib import Path

import openpyxl
import pytest
from delivered import Home
from openpyxl.utils.datetime import CALENDAR_MAC_1904
from workbooks import workbook

HEADER = ["result_id", "patient_id", "test_code", "value", "unit", "collected_at"]
PLACE = "udine/2024-01/lab_results.xlsx"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def result(key: str, value: object = 1) -> list[object]:
    return [key, "P1", "c", value, "u", "d"]


def test_typed_cells_become_plain_text(home: Home) -> None:
    rows = [
        ["007", 123, "c", 0.55, "u", dt.date(2024, 1, 5)],
        ["r2", 1.0, "c", 1e-7, "u", dt.datetime(2024, 1, 5, 8, 30)],
        [],
        [" r3 ", "P1", True, "1,5", None, "05/01/2024"],
        ["r4", "P1", False, 1e16, "u", dt.time(8, 30)],
        ["r5", "P1", "c", -0.5, "u", dt.timedelta(hours=26, minutes=5)],
    ]
    home.deliver(PLACE, workbook([HEADER, *rows]))
    home.load()
    assert home.rows(columns=("record_number", *HEADER)) == [
        (1, "007", "123", "c", "0.55", "u", "2024-01-05"),
        (2, "r2", "1", "c", "0.0000001", "u", "2024-01-05 08:30:00"),
        (3, " r3 ", "P1", "true", "1,5", None, "05/01/2024"),
        (4, "r4", "P1", "false", "10000000000000000", "u", "08:30:00"),
        (5, "r5", "P1", "c", "-0.5", "u", "26:05:00"),
    ]


def test_a_cell_with_an_error_is_not_taken_for_an_empty_one(home: Home) -> None:
    def spoil(book: openpyxl.Workbook) -> None:
        for place, error in (("E4", "#N/A"), ("E5", "#DIV/0!")):
            book.worksheets[1][place] = error
            book.worksheets[1][place].data_type = "e"

    table = [[None, *HEADER], *([None, *result(f"r{n}", "")] for n in range(1, 4))]
    home.deliver(PLACE, workbook([["legend"]], [[None, "title"], *table], touch=spoil))
    home.load()
    assert home.rows(columns=("value",)) == [(None,), ("#N/A",), ("#DIV/0!",)]


@pytest.mark.parametrize(
    ("number", "number_format", "text"),
    [
        (0.455, "0%", "45.5%"),
        (0.07, "0.00%", "7%"),
        (0.455, '0.0" %"', "0.455"),
        (0.455, "[Red]0.0%;-0.0%", "45.5%"),
        (0.455, "0.00", "0.455"),
        ("45%", "0%", "45%"),
    ],
)
def test_a_percentage_is_read_as_it_shows(home: Home, number: object, number_format: str, text: str) -> None:
    def format_cell(book: openpyxl.Workbook) -> None:
        book.worksheets[0]["D3"].number_format = number_format

    home.deliver(PLACE, workbook([["title"], HEADER, result("r1", number), result("r2", 0.5)], touch=format_cell))
    home.load()
    assert home.rows(columns=("value",)) == [(text,), ("0.5",)]


def test_a_percentage_has_the_sites_decimal_mark(home: Home) -> None:
    def format_cell(book: openpyxl.Workbook) -> None:
        book.worksheets[0]["D2"].number_format = "0.0%"

    home.deliver("udine/site.yml", 'csv: {decimal: ","}')
    home.deliver(PLACE, workbook([HEADER, result("r1", 0.455)], touch=format_cell))
    home.load()
    assert home.rows(columns=("value",)) == [("45,5%",)]


def test_a_workbook_of_another_program_is_read_alike(home: Home) -> None:
    """Some write every name with a prefix, other cases in the names of parts, and cells without their places."""

    def spoil(book: openpyxl.Workbook) -> None:
        book.worksheets[0]["D2"].number_format = "0%"
        book.worksheets[0]["D3"].data_type = "e"

    source = io.BytesIO(workbook([HEADER, result("r1", 0.5), result("r2", "#N/A")], touch=spoil))
    made = io.BytesIO()
    with zipfile.ZipFile(source) as book, zipfile.ZipFile(made, "w") as other:
        for name in book.namelist():
            content = book.read(name).decode()
            if name.startswith("xl/worksheets/"):
                content = re.sub(r'<c r="\w+"', "<c", content)
                content = re.sub(r"<(/?)(?=[a-zA-Z])", r"<\1x:", content).replace("xmlns=", "xmlns:x=")
            other.writestr(name.replace("xl/worksheets/", "xl/Worksheets/"), content)
    home.deliver(PLACE, made.getvalue())
    home.load()
    assert home.rows(columns=("result_id", "value")) == [("r1", "50%"), ("r2", "#N/A")]


@pytest.mark.parametrize("is_mac", [False, True])
def test_dates_are_the_same_in_both_of_excels_calendars(home: Home, is_mac: bool) -> None:
    book = openpyxl.Workbook()
    if is_mac:
        book.epoch = CALENDAR_MAC_1904
    sheet = book.worksheets[0]
    sheet.append(HEADER)
    sheet.append([*result("r1")[:5], dt.datetime(2024, 2, 29, 8, 30)])
    path = home.deliver(PLACE, b"")
    book.save(path)
    home.load()
    assert home.rows(columns=("collected_at",)) == [("2024-02-29 08:30:00",)]


@pytest.mark.parametrize(
    ("days", "text"),
    [(45296.35416666, "2024-01-05 08:30:00"), (45295.999999995, "2024-01-05 00:00:00"), (45296.0, "2024-01-05")],
)
def test_a_fraction_of_a_day_does_not_lose_its_last_second(home: Home, days: float, text: str) -> None:
    def format_cell(book: openpyxl.Workbook) -> None:
        book.worksheets[0]["F2"].number_format = "dd/mm/yyyy hh:mm"

    home.deliver(PLACE, workbook([HEADER, [*result("r1")[:5], days]], touch=format_cell))
    home.load()
    assert home.rows(columns=("collected_at",)) == [(text,)]
