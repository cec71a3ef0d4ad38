"""Rows held back: found by site, month, entity and reason, and sent back to their site as the site wrote them."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from click.testing import CliRunner
from integration.compiled_project import compiled_project
from unit.workbooks import workbook

from registry.cli.main import main
from registry.config.settings import Settings
from registry.curation.data_queries import write_data_queries
from registry.curation.quarantine import Filter, held_back, reasons
from registry.errors import UserError

SITE = 'csv: {encoding: latin-1, delimiter: ";", decimal: ","}\ncolumns: {lab_results: {esito: value}}\n'
LAB = """\
result_id;patient_id;test_code;esito;unit;collected_at;note
1;P1;751-8;0,75;10*9/L;2025-02-03;sound
2;P1;751-8;molto basso;;2025-02-30;più tardi
3;P9;751-8;0,5;10*9/L;2025-02-03;unknown
4;P1;751-8
"""


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Two sites, of which each has rows held back."""
    home = tmp_path_factory.mktemp("home")
    for site, month in (("udine", "2025-02"), ("udine", "2025-03"), ("trieste", "2025-03")):
        delivery = home / "deliveries" / site / month
        delivery.mkdir(parents=True)
        (delivery.parent / "site.yml").write_text(SITE)
        (delivery / "lab_results.csv").write_text(LAB, encoding="latin-1")
    patients = home / "deliveries" / "udine" / "2025-02" / "patients.csv"
    patients.write_text("patient_id;birth_date;sex\nP1;1980-05-01;F\n")
    doses = patients.with_name("administrations.csv")
    doses.write_text("administration_id;patient_id;drug;administered_on\n1;P1;OCR;2025-02-01\n")
    return compiled_project().build(home)


def test_rows_are_found_by_what_they_share(registry: Settings) -> None:
    every = held_back(registry, Filter(), with_closed=True)
    assert [(row.site, row.delivery, row.record) for row in every] == [
        ("trieste", "2025-03", 1),
        ("trieste", "2025-03", 2),
        ("trieste", "2025-03", 3),
        ("trieste", "2025-03", 4),
        ("udine", "2025-02", 1),  # a drug that nobody knows
        *(("udine", month, record) for month in ("2025-02", "2025-03") for record in (2, 3, 4)),
    ]
    march = held_back(registry, Filter(site="udine", delivery="2025-03", entity="lab_results"))
    assert [set(row.reasons) for row in march] == [
        {"non_numeric_value", "unit_missing", "unparseable_date"},
        {"unknown_patient"},
        {"malformed_row"},
    ]
    dated = held_back(registry, Filter(reason="unparseable_date"))
    assert {row.record for row in dated} == {2}
    assert held_back(registry, Filter(entity="patients")) == []


@pytest.mark.parametrize(
    ("which", "named"),
    [
        (Filter(site="gorizia"), "known: trieste, udine"),
        (Filter(delivery="March"), "YYYY-MM"),
        (Filter(entity="labs"), "lab_results"),
        (Filter(reason="broken"), "malformed_row"),
    ],
)
def test_a_filter_that_names_nothing_says_what_there_is(registry: Settings, which: Filter, named: str) -> None:
    with pytest.raises(UserError, match=named):
        held_back(registry, which)


def test_a_site_gets_back_its_own_columns_and_marks_with_the_reasons(registry: Settings, tmp_path: Path) -> None:
    out = tmp_path / "out"
    of_udine = Filter(site="udine", delivery="2025-02", entity="lab_results")
    files = write_data_queries(registry, held_back(registry, of_udine, with_closed=True), out)
    assert files == [out / "udine" / "2025-02" / "lab_results.csv_held_back.csv"]
    assert files[0].stat().st_mode & 0o077 == 0
    with files[0].open(encoding="latin-1", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    assert [row["record"] for row in rows] == ["2", "3", "4"], "sound rows stay here"
    assert [rows[0][column] for column in ("result_id", "esito", "note")] == ["2", "molto basso", "più tardi"]
    assert "Write dates as YYYY-MM-DD" in rows[0]["what to do"]
    assert rows[1]["reasons"] == "unknown_patient"
    assert rows[2]["record as sent"] == "4;P1;751-8"


def test_of_a_wide_table_the_single_test_goes_back_with_its_record(tmp_path: Path) -> None:
    site = tmp_path / "deliveries" / "udine"
    (site / "2025-03").mkdir(parents=True)
    (site / "site.yml").write_text(
        'wide: {lab_results: {tests: {ANC: {code: 751-8, unit: "10*9/L"}, WBC: {code: 26464-8, unit: "10*9/L"}}}}\n'
    )
    (site / "2025-03" / "patients.csv").write_text("patient_id\nP1\n")
    (site / "2025-03" / "lab_results.csv").write_text(
        "patient_id,collected_at,ANC,WBC\nP1,2025-03-01,2.0,4.1\nP1,2025-03-02,=clotted,4.0\n"
    )
    settings = compiled_project().build(tmp_path)
    (held,) = held_back(settings, Filter())
    assert (held.record, held.reasons) == (2, ("non_numeric_value",))
    (path,) = write_data_queries(settings, [held], tmp_path / "out")
    with path.open(encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["record"], row["patient_id"], row["test_code"], row["value"]) == ("2", "P1", "751-8", "'=clotted"), (
        "no formula"
    )


def test_nothing_is_written_where_it_would_be_delivered_or_would_replace_something(
    registry: Settings, tmp_path: Path
) -> None:
    held = held_back(registry, Filter())
    with pytest.raises(UserError, match="deliveries"):
        write_data_queries(registry, held, registry.deliveries / "back")
    (tmp_path / "kept").write_text("")
    with pytest.raises(UserError, match="new folder"):
        write_data_queries(registry, held, tmp_path)


def test_the_command_lists_without_a_value_and_writes_on_request(registry: Settings, tmp_path: Path) -> None:
    home = ["--home", str(registry.home)]
    listed = CliRunner().invoke(main, ["quarantine", *home, "--site", "udine", "--reason", "non_numeric_value"])
    assert listed.exit_code == 0
    assert "lab_results.csv" in listed.output
    assert "molto basso" not in listed.output
    written = CliRunner().invoke(main, ["quarantine", *home, "--send-back", str(tmp_path / "back")])
    assert written.exit_code == 0, written.output
    assert len(list((tmp_path / "back").rglob("*.csv"))) == 4, "of one delivery as many as it has files"


def test_a_workbook_of_several_entities_is_sent_back_as_a_file_of_each(tmp_path: Path) -> None:
    delivery = tmp_path / "deliveries" / "udine" / "2025-02"
    delivery.mkdir(parents=True)
    delivery.parent.joinpath("site.yml").write_text(
        "sheets: {treatments_all.xlsx: {sheet 1: patients, sheet 2: treatments, sheet 3: lab_results}}\n"
    )
    lines = [
        ["treatment_id", "patient_id", "drug", "start_date"],
        ["T1", "P1", "ocrelizumab", "2025-01-01"],
        ["T2", "P9", "ocrelizumab", "?"],
    ]
    results = [
        ["result_id", "patient_id", "test_code", "value", "unit", "collected_at"],
        ["R", "P9", "751-8", 1, "%", "?"],
    ]
    content = workbook([["patient_id", "sex"], ["P1", "F"], [None, "M"]], lines, results)
    (delivery / "treatments_all.xlsx").write_bytes(content)
    settings = compiled_project().build(tmp_path)
    held = held_back(settings, Filter())
    assert [(row.entity, row.record) for row in held] == [("lab_results", 1), ("patients", 2), ("treatments", 2)]
    paths = write_data_queries(settings, held, tmp_path / "out")
    assert [path.name for path in paths] == [
        "treatments_all.xlsx_lab_results_held_back.csv",
        "treatments_all.xlsx_patients_held_back.csv",
        "treatments_all.xlsx_held_back.csv",
    ]
    assert [len(list(csv.reader(path.open(encoding="utf-8-sig")))) for path in paths] == [2, 2, 2]


def test_a_record_with_other_cells_than_its_header_says_how_many(tmp_path: Path) -> None:
    site = tmp_path / "deliveries" / "udine"
    (site / "2025-03").mkdir(parents=True)
    (site / "site.yml").write_text('csv: {delimiter: ";"}\n')
    (site / "2025-03" / "patients.csv").write_text('patient_id;sex\nP1;F\nP2;F;\nP3;F;;;\n"P;4";F;x\n"P5";"F\n')
    (site / "2025-03" / "treatments.xlsx").write_bytes(
        workbook([["treatment_id", "patient_id", "drug", "start_date"], ["T", "P1", "ocrelizumab", "2024-01-01", "x"]])
    )
    settings = compiled_project().build(tmp_path)
    held = held_back(settings, Filter(reason="malformed_row"))
    said = {(row.entity, row.record): row.why(reasons()).partition(". It has ")[2] for row in held}
    assert said == {
        ("patients", 2): "3 cells but the header has 2: one cell too many.",
        ("patients", 3): "5 cells but the header has 2: 3 cells too many.",
        ("patients", 4): "3 cells but the header has 2: one cell too many.",
        ("patients", 5): "",
        ("treatments", 1): "5 cells but the header has 4: one cell too many.",
    }
    listed = CliRunner().invoke(main, ["quarantine", "--home", str(tmp_path), "--records", "--format", "csv"])
    assert "3 cells but the header has 2: one cell too many" in listed.output
    paths = write_data_queries(settings, held, tmp_path / "out")
    assert "one cell too many" in paths[0].read_text(encoding="utf-8-sig")


def test_the_remedy_of_a_required_cell_names_the_words_that_site_yml_calls_missing() -> None:
    assert all("`missing` in site.yml" in reasons()[code] for code in ("missing_required", "missing_key"))


def test_of_an_export_without_keys_the_site_gets_its_columns_as_sent_and_none_that_it_ignores(tmp_path: Path) -> None:
    site = tmp_path / "deliveries" / "udine"
    (site / "2025-03").mkdir(parents=True)
    (site / "site.yml").write_text(
        "keys: {lab_results: [patient_id, collected_at, test_code]}\n"
        "columns: {lab_results: {giorno: collected_at.date, ora: collected_at.time, Cognome: ignore}}\n"
    )
    (site / "2025-03" / "patients.csv").write_text("patient_id\nP1\n")
    (site / "2025-03" / "lab_results.csv").write_text(
        "patient_id,Cognome,giorno,ora,test_code,value,unit\nP1,Rossi,2025-03-02 00:00,8h30,751-8,clotted,10*9/L\n"
    )
    settings = compiled_project().build(tmp_path)
    (path,) = write_data_queries(settings, held_back(settings, Filter()), tmp_path / "out")
    with path.open(encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    assert list(row)[3:-1] == ["patient_id", "giorno", "ora", "test_code", "value", "unit"]
    assert (row["giorno"], row["ora"]) == ("2025-03-02 00:00", "8h30")
