"""A site that writes as an Italian laboratory does: its files become the same counts as a native site's."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import openpyxl
from integration.compiled_project import compiled_project

SITE = """\
time_zone: Europe/Rome
csv: {encoding: latin-1, delimiter: ";", decimal: ",", thousands: ".", date_formats: ["%d/%m/%Y", "%d/%m/%Y %H:%M"]}
columns:
  lab_results: {id_esame: result_id, codice_paziente: patient_id, esame: test_code, risultato: value, unità: unit,
                data_prelievo: collected_at}
codes:
  tests: {"NEU#": anc, "GB": wbc, "NEU%": neutrophils_pct}
  units: {"mila/mmc": "10*3/uL"}
  drugs: {"OCREVUS 300MG FL": ocrelizumab}
"""
LAB = """\
id_esame;codice_paziente;esame;risultato;unità;data_prelievo
1;P1;NEU#;0,75;mila/mmc;03/02/2025 08:15
2;P1;NEU#;1.250;/uL;04/02/2025
3;P1;NEU#;<0,5;mila/mmc;05/02/2025
4;P1;NEU#;1.5;mila/mmc;06/02/2025
5;P1;GB;4,0;mila/mmc;07/02/2025 09:00
6;P1;NEU%;33,3;%;07/02/2025 09:00
7;P1;PCR;2,1;mg/L;07/02/2025
8;P1;NEU#;0,9;mila/mmc;2025-02-08
9;P1;GB;0.750;mila/mmc;09/02/2025
"""


SHORT_YEARS = """\
csv: {date_formats: ["%d/%m/%Y", "%d/%m/%y"]}
codes: {drugs: {OCR: ocrelizumab}}
"""


def test_a_year_of_two_digits_is_not_read_as_a_year_of_antiquity(tmp_path: Path) -> None:
    site = tmp_path / "deliveries" / "short_years"
    delivery = site / "2025-03"
    delivery.mkdir(parents=True)
    (site / "site.yml").write_text(SHORT_YEARS)
    (delivery / "patients.csv").write_text("patient_id,birth_date\nP1,01/05/1980\n")
    (delivery / "lab_results.csv").write_text(
        "result_id,patient_id,test_code,value,unit,collected_at\n"
        "1,P1,751-8,2.0,X10^9/L,03/02/2025\n2,P1,751-8,2.1,10*9/L,04/02/25\n3,P1,751-8,2.2,10*9/L,05/02/124\n"
    )
    settings = compiled_project().build(tmp_path)
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        days = connection.execute("SELECT collected_on FROM main.fct_anc ORDER BY 1").fetchall()
        held_back = connection.execute("SELECT reason, n_rows FROM meta.quarantine_summary").fetchall()
    assert days == [(date(2025, 2, 3),), (date(2025, 2, 4),)]
    assert held_back == [("unparseable_date", 1)]


def test_a_limit_that_no_count_can_have_is_emptied_and_grades_nothing(tmp_path: Path) -> None:
    delivery = tmp_path / "deliveries" / "lab" / "2025-03"
    delivery.mkdir(parents=True)
    (delivery / "patients.csv").write_text("patient_id,birth_date\nP1,1980\n")
    (delivery / "lab_results.csv").write_text(
        "result_id,patient_id,test_code,value,unit,collected_at,reference_low,reference_high\n"
        "1,P1,751-8,4.0,10*9/L,2025-02-03,1800,7500\n2,P1,751-8,1500,/uL,2025-02-04,2.5,\n"
        "3,P1,751-8,1500,/uL,2025-02-05,2000,7000\n"
    )
    settings = compiled_project().build(tmp_path)
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        graded = connection.execute("SELECT lln_10e9_l, ctcae_v5_grade FROM main.fct_anc ORDER BY collected_on")
        assert graded.fetchall() == [(None, None), (None, None), (Decimal(2), "1")]
        emptied = connection.execute("SELECT column_name, reason, n_cells FROM meta.column_defect ORDER BY ALL")
        assert emptied.fetchall() == [
            ("reference_high", "implausible_value", 1),
            ("reference_low", "implausible_value", 2),
        ]


def test_an_italian_laboratory_tells_the_same_counts(tmp_path: Path) -> None:
    site = tmp_path / "deliveries" / "syn_italian"
    delivery = site / "2025-03"
    delivery.mkdir(parents=True)
    (site / "site.yml").write_text(SITE)
    (delivery / "patients.csv").write_text("patient_id;birth_date;sex\nP1;01/05/1980;F\n", encoding="latin-1")
    (delivery / "lab_results.csv").write_text(LAB, encoding="latin-1")
    (delivery / "administrations.csv").write_text(
        "administration_id;patient_id;drug;administered_on\n1;P1;OCREVUS 300MG FL;01/12/2024\n", encoding="latin-1"
    )
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (
        ["id_esame", "codice_paziente", "esame", "risultato", "unità", "data_prelievo"],
        ["20", "P1", "NEU#", 1.234, "mila/mmc", datetime(2025, 2, 9, 7, 30)],
        ["21", "P1", "NEU#", "1,9", "mila/mmc", "10/02/2025"],
    ):
        sheet.append(row)
    book.save(delivery / "lab_results_typed.xlsx")

    settings = compiled_project().build(tmp_path)
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        counts = connection.execute(
            "SELECT collected_at, anc_10e9_l, operator, derivation, last_drug FROM main.fct_anc ORDER BY collected_at"
        ).fetchall()
        held_back = connection.execute("SELECT reason, n_rows FROM meta.quarantine_summary").fetchall()
        not_mapped = connection.execute("SELECT sum(rows_not_mapped) FROM meta.reconciliation").fetchone()
    assert counts == [
        (datetime(2025, 2, 3, 8, 15), Decimal("0.75"), None, "measured", "ocrelizumab"),
        (datetime(2025, 2, 4), Decimal("1.25"), None, "measured", "ocrelizumab"),
        (datetime(2025, 2, 5), Decimal("0.5"), "<", "measured", "ocrelizumab"),
        (datetime(2025, 2, 7, 9), Decimal("1.332"), None, "derived_wbc_pct", "ocrelizumab"),
        (datetime(2025, 2, 8), Decimal("0.9"), None, "measured", "ocrelizumab"),
        (datetime(2025, 2, 9, 7, 30), Decimal("1.234"), None, "measured", "ocrelizumab"),
        (datetime(2025, 2, 10), Decimal("1.9"), None, "measured", "ocrelizumab"),
    ]
    # "1.5" and "0.750" where the point parts thousands are no numbers at all: never silently 15 and 750
    assert held_back == [("non_numeric_value", 2)]
    assert not_mapped == (1,)
