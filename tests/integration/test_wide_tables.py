"""A wide Excel snapshot with titles, sheets and blanks that mean "as above" gives the counts of a native long file."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest
from integration.compiled_project import compiled_project

from registry.config.settings import Settings
from registry.curation import quarantine

WIDE = "syn_italian"
SITE = """\
mode: snapshot
csv: {decimal: ",", date_formats: ["%d/%m/%Y", "%d/%m/%Y %H:%M"]}
columns:
  lab_results: {Paziente: patient_id, Prelievo: collected_at, Campione: specimen_id}
codes:
  tests: {"NEU#": anc}
wide:
  lab_results:
    tests:
      Neutrofili: {code: "NEU#", unit: "mila/mmc"}
      Leucociti: {code: wbc, unit: 10^9/L}
      Neutrofili %: {code: 770-8, unit: "%"}
    carry_down: [patient_id]
"""
PATIENTS = "patient_id,birth_date,sex\nP1,1980-05-01,F\nP2,1975-01-01,M\n"
DOSES = "administration_id,patient_id,drug,administered_on\n1,P1,ocrelizumab,2024-12-01\n2,P2,rituximab,2024-12-01\n"
LONG = """\
result_id,patient_id,specimen_id,test_code,value,unit,collected_at
1,P1,S1,751-8,0.75,10*9/L,2025-01-03 08:15
2,P1,S1,6690-2,3.1,10*9/L,2025-01-03 08:15
3,P1,S2,751-8,<0.5,10*9/L,2025-01-05
4,P1,S3,6690-2,4.0,10*9/L,2025-01-10 09:00
5,P1,S3,770-8,33.3,%,2025-01-10 09:00
6,P2,S4,751-8,1.234,10*9/L,2025-02-09 07:30
7,P2,S5,751-8,0,10*9/L,2025-02-10
8,P2,S5,6690-2,2,10*9/L,2025-02-10
"""
HEADER = ["Paziente", "Prelievo", "Campione", "Neutrofili", "Leucociti", "Neutrofili %"]
JANUARY: list[list[Any]] = [
    ["Azienda Sanitaria, Laboratorio"],
    ["Stampato il", dt.date(2025, 2, 28)],
    [],
    HEADER,
    ["P1", dt.datetime(2025, 1, 3, 8, 15), "S1", 0.75, "3,1", None],
    [None, "05/01/2025", "S2", "<0,5", None, None],
    [None, "10/01/2025 09:00", "S3", None, 4, 0.333],
]
FEBRUARY: list[list[Any]] = [
    HEADER,
    ["P2", dt.datetime(2025, 2, 9, 7, 30), "S4", 1.234, None, None],
    [None, dt.date(2025, 2, 10), "S5", 0, 2, None],
    [None, dt.date(2025, 2, 11), "S6", None, None, None],
    ["P3", dt.date(2025, 2, 11), "S7", "n.d.", 2, None],
]


def save(path: Path, *sheets: list[list[Any]]) -> None:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for number, rows in enumerate(sheets):
        sheet = book.create_sheet(f"sheet {number}")
        for row in rows:
            sheet.append(row)
            if row[-1:] == [0.333]:
                sheet.cell(sheet.max_row, len(row)).number_format = "0.0%"
    book.save(path)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The same patients at two sites: one writes natively, the other sends workbooks, twice."""
    home = tmp_path_factory.mktemp("wide")
    for site in ("long", WIDE):
        for month in ("2025-02", "2025-03"):
            delivery = home / "deliveries" / site / month
            delivery.mkdir(parents=True)
            (delivery / "patients.csv").write_text(PATIENTS)
            (delivery / "administrations.csv").write_text(DOSES)
    (home / "deliveries/long/2025-03/lab_results.csv").write_text(LONG)
    sent = home / "deliveries" / WIDE
    (sent / "site.yml").write_text(SITE)
    before = [["P1", "05/01/2025", "S2", "0,9", None, None], ["P1", "06/01/2025", "S9", "0,1", None, None]]
    save(sent / "2025-02" / "lab_results.xlsx", [*JANUARY[:5], *before])
    save(sent / "2025-03" / "lab_results.xlsx", JANUARY, [["Legenda"], ["Neutrofili", "mila/mmc"]], FEBRUARY)
    return compiled_project().build(home)


def ask(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_a_wide_snapshot_gives_the_graded_counts_of_the_long_file(built: Settings) -> None:
    graded = [
        ask(
            built,
            "SELECT collected_at, anc_10e9_l, operator, derivation, severity, ctcae_v5_grade, last_drug "
            f"FROM main.fct_anc WHERE site = '{site}' ORDER BY ALL",
        )
        for site in ("long", WIDE)
    ]
    assert graded[0] == graded[1]
    assert [str(row[1]) for row in graded[0]] == ["0.750000", "0.500000", "1.332000", "1.234000", "0.000000"]


def test_every_row_of_the_wide_files_is_accounted_for(built: Settings) -> None:
    assert ask(
        built,
        "SELECT delivery, rows_delivered, rows_current, rows_superseded, rows_duplicate, rows_quarantined "
        f"FROM meta.reconciliation WHERE site = '{WIDE}' AND entity = 'lab_results' ORDER BY 1",
    ) == [("2025-02", 4, 2, 2, 0, 0), ("2025-03", 11, 6, 0, 2, 3)]


def test_a_number_is_traced_to_the_record_of_the_workbook(built: Settings) -> None:
    traced = ask(
        built,
        "SELECT anc.collected_on, origin.record_number, origin.part FROM main.fct_anc AS anc "
        "JOIN meta.lineage AS origin ON anc.anc_key = origin.anc_key "
        "JOIN meta.input_file AS file ON origin.source_file = file.file_id "
        f"WHERE anc.site = '{WIDE}' AND file.delivery = '2025-03' ORDER BY ALL",
    )
    # the derived count of 10 January rests on two cells of one record; 3 January was in the file before already
    assert traced == [
        (dt.date(2025, 1, 5), 2, None),
        (dt.date(2025, 1, 10), 3, "neutrophils_pct"),
        (dt.date(2025, 1, 10), 3, "wbc"),
        (dt.date(2025, 2, 9), 4, None),
        (dt.date(2025, 2, 10), 5, None),
    ]


def test_what_is_held_back_is_named_by_the_record_of_the_workbook(built: Settings) -> None:
    rows = quarantine.held_back(built, quarantine.Filter(entity="lab_results"))
    assert [(row.file, row.record, sorted(row.reasons)) for row in rows] == [
        ("lab_results.xlsx", 6, ["missing_required"]),
        ("lab_results.xlsx", 7, ["non_numeric_value", "unknown_patient"]),
        ("lab_results.xlsx", 7, ["unknown_patient"]),
    ]
