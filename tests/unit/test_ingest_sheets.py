"""A workbook that holds several entities, as `sheets` in site.yml says: each is a file of its own to the ledger."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest
from delivered import Home
from workbooks import Rows, workbook

from registry import ingest
from registry.errors import UserError
from registry.vault.pseudonyms import file_id

PLACE = "udine/2024-01/registro.xlsx"
SITE = """
columns: {patients: {Codice: patient_id}}
sheets:
  Registro.xlsx:
    Anagrafica: patients
    Terapie: treatments
    Terapie sospese: treatments
"""
PATIENTS: Rows = [["Codice", "sex"], ["P1", "F"], ["P2", "M"]]
HEADER = ["treatment_id", "patient_id", "drug", "start_date"]
SHEETS: dict[str, Rows] = {
    "Legenda": [["Codice", "numero della cartella"]],
    "Anagrafica": PATIENTS,
    "Terapie": [HEADER, ["T1", "P1", "ocrelizumab", "2024-01-02"]],
    "terapie sospese ": [HEADER, ["T2", "P2", "rituximab", "2024-01-02"]],
}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    home.deliver("udine/site.yml", SITE)
    return home


def named(sheets: dict[str, Rows]) -> bytes:
    """A workbook of sheets with these names."""

    def rename(book: openpyxl.Workbook) -> None:
        for sheet, name in zip(book.worksheets, sheets, strict=True):
            sheet.title = name

    return workbook(*sheets.values(), touch=rename)


def ledger(home: Home) -> list[tuple[object, ...]]:
    return home.query("SELECT entity, path, n_rows, is_current FROM main.input_file ORDER BY file_no")


def load(home: Home) -> None:
    for entity in ("patients", "treatments", "administrations"):
        home.load(entity)


def test_each_sheet_is_read_as_what_it_holds(home: Home) -> None:
    home.deliver(PLACE, named(SHEETS))
    assert home.load("patients").unread_sheets == {(PLACE, 1)}
    assert home.load("treatments").unread_sheets == {(PLACE, 1)}
    assert home.rows("patients", ("patient_id",)) == [("P1",), ("P2",)]
    assert home.rows("treatments", ("record_number", "treatment_id")) == [(1, "T1"), (2, "T2")]
    assert ledger(home) == [("patients", "registro.xlsx", 2, True), ("treatments", "registro.xlsx", 2, True)]
    assert home.query("SELECT count(DISTINCT file_id) FROM main.input_file") == [(2,)]


def test_versions_of_a_workbook_replace_each_other_entity_by_entity(home: Home) -> None:
    first, second = named(SHEETS), named(SHEETS | {"Anagrafica": [*PATIENTS, ["P3", "F"]]})
    for content in (first, second, first):
        home.deliver(PLACE, content)
        load(home)
    assert ledger(home) == [
        ("patients", "registro.xlsx", 2, True),
        ("treatments", "registro.xlsx", 2, True),
        ("patients", "registro.xlsx", 3, False),
        ("treatments", "registro.xlsx", 2, False),
    ]


def test_what_is_not_loaded_yet_and_what_is_missing_is_told_by_entity(home: Home) -> None:
    path = home.deliver(PLACE, named(SHEETS))
    settings = home.settings

    def waiting() -> list[str]:
        profiles = ingest.load_profiles(settings)
        return [file.entity for file in ingest.not_yet_loaded(settings, ingest.discover(settings), profiles)]

    assert waiting() == ["patients", "treatments"]
    home.load("patients")
    assert waiting() == ["treatments"]
    home.load("treatments")
    assert waiting() == []
    path.unlink()
    assert home.load("patients").missing_files == home.load("treatments").missing_files == (PLACE,)
    assert home.load("administrations").missing_files == ()
    assert all(row[3] for row in ledger(home))


def test_a_sheet_that_is_said_to_hold_something_else_is_read_again(home: Home) -> None:
    home.deliver(PLACE, named(SHEETS))
    load(home)
    home.deliver("udine/site.yml", SITE.replace("    Terapie sospese: treatments\n", ""))
    home.load("treatments")
    assert home.rows("treatments", ("treatment_id",)) == [("T1",)]
    home.deliver(
        "udine/site.yml", "columns: {patients: {Codice: patient_id}}\nsheets: {registro.xlsx: {Anagrafica: patients}}"
    )
    result = home.load("treatments")
    assert (result.missing_files, result.n_files_replaced, result.changed) == ((), 1, True)
    assert [row[3] for row in ledger(home) if row[0] == "treatments"] == [False]
    assert [row[3] for row in ledger(home) if row[0] == "patients"] == [True]


def test_sheets_decide_even_where_the_file_is_named_after_an_entity(home: Home) -> None:
    home.deliver("udine/site.yml", SITE.replace("Registro.xlsx", "patients.xlsx"))
    home.deliver("udine/2024-01/patients.xlsx", named(SHEETS))
    home.deliver("udine/2024-02/patients.csv", "patient_id\nP9\n")
    load(home)
    assert [row[:2] for row in ledger(home)] == [
        ("patients", "patients.xlsx"),
        ("patients", "patients.csv"),
        ("treatments", "patients.xlsx"),
    ]


def test_a_files_id_stays_what_it_was_where_its_name_tells_the_entity() -> None:
    key = bytes(32)
    ids = [file_id(key, "s", "2024-01", e, "patients_a.xlsx", "00") for e in ("patients", "treatments")]
    assert ids[0] == "f4f7a6c9c290d083"
    assert ids[0] != ids[1]


@pytest.mark.parametrize(
    ("sheets", "message"),
    [
        (
            "{registro.xlsx: {Anagrafica: patient}}",
            r"site.yml, line 1: .*unknown entity 'patient'; did you mean 'patients'",
        ),
        ("{registro.csv: {Anagrafica: patients}}", r"site.yml, line 1: .*'registro.csv' is not a workbook"),
        ("{registro.xlsx: {}}", "sheets.registro.xlsx: is empty; write one `sheet: entity`"),
        (
            "\n  registro.xlsx:\n    Legenda: patients\n    Terapia: treatments",
            r"site.yml, line 4: sheets.registro.xlsx.Terapia: .* has no such sheet; did you mean 'Terapie'",
        ),
        ("{registro.xlsx: {Legenda: patients}}", r"registro.xlsx: no sheet has the column patient_id"),
        (
            "{registro.xlsx: {Anagrafica: patients, Terapie: patients}}",
            r"registro.xlsx, sheet 3: no header of patients",
        ),
        ("{registo.xlsx: {Anagrafica: patients}}", r"registro.xlsx: its name gives no entity: .* \(sheets: ...\)"),
    ],
)
def test_a_mistake_in_sheets_is_one_clear_line(home: Home, sheets: str, message: str) -> None:
    home.deliver("udine/site.yml", f"sheets: {sheets}\ncolumns: {{patients: {{Codice: patient_id, patient_id: sex}}}}")
    legend = [["numero della cartella"]]
    home.deliver(PLACE, named(SHEETS | {"Legenda": legend}))
    with pytest.raises(UserError, match=message) as raised:
        load(home)
    assert "\n" not in str(raised.value)
    assert not home.settings.raw_db.exists() or ledger(home) == []
