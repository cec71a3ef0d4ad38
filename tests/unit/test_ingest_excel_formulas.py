"""Formulas of a workbook: their stored value, or a text that is held back where nobody has stored one."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import openpyxl
import pytest
from delivered import Home
from openpyxl.worksheet.formula import ArrayFormula
from test_ingest_excel import HEADER, PLACE, result
from workbooks import Rows, workbook

from registry.config.input_contract import FORMULA, is_sheet_error
from registry.errors import UserError

WIDE = """
columns: {lab_results: {Paziente: patient_id, Prelievo: collected_at}}
wide:
  lab_results:
    tests: {NEU: {code: 751-8, unit: 10*9/L}, WBC: {code: 6690-2, unit: 10*9/L}}
    carry_down: [patient_id, collected_at]
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def sheet_xml(content: bytes, change: dict[str, str]) -> bytes:
    """A workbook whose sheets' XML is changed by these patterns."""
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as book, zipfile.ZipFile(written, "w") as copy:
        for part in book.infolist():
            data = book.read(part).decode("latin-1")
            if "worksheets/sheet" in part.filename:
                for pattern, new in change.items():
                    data, n = re.subn(pattern, new, data)
                    assert n, pattern
            copy.writestr(part, data.encode("latin-1"))
    return written.getvalue()


def test_a_formula_without_a_stored_value_is_no_blank(home: Home) -> None:
    home.deliver(PLACE, workbook([HEADER, result("r1", "=1+1"), result("r2", 2)]))
    home.load()
    assert home.rows(columns=("result_id", "value")) == [("r1", FORMULA), ("r2", "2")]


@pytest.mark.parametrize("n_blank", [0, 1])
def test_rows_and_columns_of_formulas_alone_are_rows(home: Home, n_blank: int) -> None:
    first = [f"={column}9" for column in "ABCDEF"]
    rows: Rows = [[], [None, *HEADER], *[[]] * n_blank, [None, *first], [None, None, "P1", None, None, None, "=A1"]]
    home.deliver(PLACE, workbook(rows))
    home.load()
    assert home.rows(columns=tuple(HEADER)) == [(FORMULA,) * 6, (None, "P1", None, None, None, FORMULA)]


def test_a_formula_left_of_all_values_is_read(home: Home) -> None:
    home.deliver(PLACE, workbook([["=A9", *HEADER], ["=A9", *result("r1")]], [HEADER, ["=A1"]]))
    with pytest.raises(UserError, match="sheet 1: the header of column 1 is an error, or a formula"):
        home.load()
    home.deliver(PLACE, workbook([[None, *HEADER], ["=A9", *result("r1")]], [HEADER, ["=A1"]]))
    home.load()
    assert home.rows(columns=("record_number", "result_id", "extra")) == [(1, "r1", None), (2, FORMULA, None)]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ('<c r="D2"><f>1+1</f></c>', FORMULA),
        ('<c r="D2"><f>1+1</f><v/></c>', FORMULA),
        ('<c r="D2" t="n"><f>1+1</f><v></v></c>', FORMULA),
        ('<c r="D2" t="str"><f>1+1</f></c>', FORMULA),
        ('<c r="D2" t="shared"><f t="shared" si="0"/></c>', FORMULA),
        ('<c r="D2"><f t="shared" ref="D2:D9" si="0">A1</f></c>', FORMULA),
        ('<c r="D2" t="e"><f>1/0</f></c>', FORMULA),
        ('<c r="D2" t="str"><f>""</f><v></v></c>', None),
        ('<c r="D2" t="str"><f>""</f><v/></c>', None),
        ('<c r="D2" t="str"><f>"a"</f><v>a</v></c>', "a"),
        ('<c r="D2"><f>1+1</f><v>2</v></c>', "2"),
        ('<c r="D2"><f t="shared" si="0"/><v>0</v></c>', "0"),
        ('<c r="D2" t="b"><f>TRUE</f><v>1</v></c>', "true"),
        ('<c r="D2" t="e"><f>1/0</f><v>#DIV/0!</v></c>', "#DIV/0!"),
        ('<c r="D2" t="e"><v>#N/A</v></c>', "#N/A"),
        ('<c r="D2"><v/></c>', None),
    ],
)
def test_a_cell_without_a_value_is_told_from_a_blank_one(home: Home, cell: str, text: str | None) -> None:
    content = workbook([HEADER, result("r1", 77)])
    home.deliver(PLACE, sheet_xml(content, {'<c r="D2"[^>]*><v>77</v></c>': cell}))
    home.load()
    assert home.rows(columns=("result_id", "value")) == [("r1", text)]


def test_a_formula_of_another_program_is_read_alike(home: Home) -> None:
    change = {r"<(/?)(?!\?)": r"<\1x:", 'xmlns="': 'xmlns:x="', '(<x:c r="D2"[^>]*>).*?</x:c>': r"\1<x:f>1</x:f></x:c>"}
    home.deliver(PLACE, sheet_xml(workbook([HEADER, result("r1", 77)]), change))
    home.load()
    assert home.rows(columns=("value",)) == [(FORMULA,)]


@pytest.mark.parametrize("number_format", ["0%", "General", "yyyy-mm-dd"])
def test_the_format_of_the_cell_does_not_matter(home: Home, number_format: str) -> None:
    def touch(book: openpyxl.Workbook) -> None:
        for row in book.worksheets[0].iter_rows(min_row=2):
            row[3].number_format = number_format

    home.deliver(PLACE, workbook([HEADER, result("r1", "=1+1"), result("r2", None)], touch=touch))
    home.load()
    assert home.rows(columns=("value",)) == [(FORMULA,), (None,)]


def test_an_array_formula_without_values_fills_its_range(home: Home) -> None:
    def touch(book: openpyxl.Workbook) -> None:
        book.worksheets[0]["D2"] = ArrayFormula("D2:D4", "=A1:A3")

    home.deliver(PLACE, workbook([HEADER, result("r1", None), result("r2", 5)], touch=touch))
    home.load()
    assert home.rows(columns=("result_id", "value")) == [("r1", FORMULA), ("r2", "5"), (None, FORMULA)]


def test_an_array_formula_of_a_whole_sheet_is_refused(home: Home) -> None:
    content = workbook([HEADER, result("r1", 77)])
    formula = '<c r="D2"><f t="array" ref="D2:XFD1048576">A1</f></c>'
    home.deliver(PLACE, sheet_xml(content, {'<c r="D2"[^>]*><v>77</v></c>': formula}))
    with pytest.raises(UserError, match="save it again as"):
        home.load()


@pytest.mark.parametrize("cell", ["=1", "#N/A"])
def test_a_column_that_nobody_reads_changes_nothing(home: Home, cell: str) -> None:
    """Helpers at the side of the table, dragged down below its last row."""
    header = [*HEADER[:3], "ward", None, *HEADER[3:]]
    rows: Rows = [
        ["r1", "P1", "c", cell, cell, 1, "u", "d", cell],
        [None, None, None, cell, cell, None, None, None, cell],
    ]
    home.deliver(PLACE, workbook([header, *rows, [*[None] * 8, cell]]))
    result = home.load()
    assert result.unknown_columns == {("udine", "ward")}
    assert home.rows(columns=("result_id", "value", "malformed")) == [("r1", "1", None)]


def test_a_formula_for_a_key_column_is_one_clear_error(home: Home) -> None:
    home.deliver(PLACE, workbook([["=A9", *HEADER[1:]], result("r1")]))
    with pytest.raises(
        UserError, match=r"no sheet has the column result_id .* some cells are formulas without a stored"
    ):
        home.load()


def test_hidden_sheets_have_formulas_too(home: Home) -> None:
    def hide(book: openpyxl.Workbook) -> None:
        book.worksheets[1].sheet_state = "hidden"

    home.deliver(PLACE, workbook([HEADER, result("r1")], [HEADER, result("r2", "=1")], touch=hide))
    home.load()
    assert home.rows(columns=("result_id", "value")) == [("r1", "1"), ("r2", FORMULA)]


@pytest.mark.parametrize(("cell", "text"), [("=1", FORMULA), ("#N/A", "#N/A")])
def test_formulas_of_a_wide_table(home: Home, cell: str, text: str) -> None:
    home.deliver("udine/site.yml", WIDE)
    header = ["Paziente", "Prelievo", "NEU", "WBC"]
    rows: Rows = [
        ["P1", "2024-01-02", cell, 5],
        [cell, "2024-01-03", 1, None],
        [None, None, 2, None],
        ["P2", cell, None, 3],
    ]
    home.deliver(PLACE, workbook([header, *rows]))
    home.load()
    assert home.rows(columns=("record_number", "result_id", "patient_id", "value")) == [
        (1, "P1/2024-01-02T00:00:00/751-8", "P1", text),
        (2, "P1/2024-01-02T00:00:00/6690-2", "P1", "5"),
        (3, None, text, "1"),
        (5, None, text, "2"),
        (8, None, "P2", "3"),
    ]


def test_a_draws_own_key_that_is_a_formula_is_no_key(home: Home) -> None:
    home.deliver("udine/site.yml", WIDE)
    header = ["result_id", "Paziente", "Prelievo", "NEU", "WBC"]
    home.deliver(PLACE, workbook([header, ["=A1", "P1", "2024-01-02", 1, 5], ["=A1", "P2", "2024-01-02", 1, None]]))
    home.load()
    assert home.rows(columns=("result_id",)) == [(None,)] * 3


@pytest.mark.parametrize(
    "cell",
    "#FORMULA #N/A #N/D #NV #NAME? #NOME? #REF! #DIV/0! #VALUE! #¡VALOR! #ÜBERLAUF! #NUM! Err:502".split(),
)
def test_errors_of_spreadsheets_are_known_in_the_languages_of_their_programs(cell: str) -> None:
    assert is_sheet_error(f" {cell} ")


@pytest.mark.parametrize("cell", ["", "#1", "#12/3", "# A", "NA", "P#1", "#abc!", "Err:5", "#FORMULA 1"])
def test_other_texts_are_not(cell: str) -> None:
    assert not is_sheet_error(cell)
