"""An unknown patient id that differs from a known one in form alone is quarantined, with the difference in words."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from integration.compiled_project import compiled_project

from registry.config.settings import Settings
from registry.curation.data_queries import write_data_queries
from registry.curation.quarantine import Filter, QuarantinedRow, held_back, reasons

KNOWN = ("0123", "Ab-7", "X 9", "55", "k1", "K1", "p-08")
ONE = "The id differs from a known patient's only by {}: send it as in patients."
SENT = {  # the id of a result → what a person is told
    "123": ONE.format("leading zeros"),
    "00123": ONE.format("leading zeros"),
    "123.0": ONE.format("leading zeros and a .0 at its end"),
    "55.0": ONE.format("a .0 at its end"),
    "AB-7": ONE.format("letter case"),
    "Ab\u20137": ONE.format("the kind of dash"),
    "A\u200bb-7": ONE.format("invisible characters"),
    "ab\u2011\ufeff07": ONE.format("invisible characters, the kind of dash, letter case and leading zeros"),
    "X9": ONE.format("blanks"),
    "X\u00a09": ONE.format("blanks"),
    "\uff15\uff15": ONE.format("full-width characters"),
    "P-8": ONE.format("letter case and leading zeros"),
    "k01": "The id differs from those of 2 known patients only by letter case and leading zeros: "
    "send the one that is meant.",
    "124": None,
    "Ab7": None,
    "550": None,
    "cancelled": None,
    "elsewhere": None,
}
OTHERS = {
    "treatments": "treatment_id,patient_id,drug,start_date\n1,ab-7,ocrelizumab,2025-02-01\n",
    "administrations": "administration_id,patient_id,drug,administered_on\n1,ab-7,ocrelizumab,2025-02-01\n",
    "clinical_events": "event_id,patient_id,event_type,onset_date\n1,ab-7,infection,2025-02-01\n",
    "adjudications": "adjudication_id,patient_id,onset_from,onset_to,verdict\n1,ab-7,2025-02-01,2025-02-02,confirmed\n",
}


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    home = tmp_path_factory.mktemp("home")
    for site, patients in (("udine", [*KNOWN, "Cancelled,cancelled"]), ("trieste", ["ELSEWHERE", "AB-7"])):
        delivery = home / "deliveries" / site / "2025-03"
        delivery.mkdir(parents=True)
        rows = "\n".join(row if "," in row else f"{row}," for row in patients)
        (delivery / "patients.csv").write_text(f"patient_id,status\n{rows}\n", encoding="utf-8")
    lab = "\n".join(f"{i},{sent},751-8,2.0,10*9/L,2025-02-03" for i, sent in enumerate([*SENT, "0123"]))
    udine = home / "deliveries" / "udine" / "2025-03"
    header = "result_id,patient_id,test_code,value,unit,collected_at"
    (udine / "lab_results.csv").write_text(f"{header}\n{lab}\n", encoding="utf-8")
    for entity, text in OTHERS.items():
        (udine / f"{entity}.csv").write_text(text, encoding="utf-8")
    return compiled_project().build(home)


def told(row: QuarantinedRow) -> str | None:
    meaning = reasons()["unknown_patient"]
    text = row.why(reasons())
    assert text.startswith(meaning)
    return text.removeprefix(meaning).strip() or None


def test_the_difference_in_form_is_named_and_the_row_stays_quarantined(registry: Settings) -> None:
    held = held_back(registry, Filter(site="udine", entity="lab_results"))
    assert {row.reasons for row in held} == {("unknown_patient",)}
    assert dict(zip(SENT, map(told, held), strict=True)) == SENT


@pytest.mark.parametrize("entity", OTHERS)
def test_so_it_is_in_every_table_that_names_a_patient(registry: Settings, entity: str) -> None:
    (row,) = held_back(registry, Filter(entity=entity))
    assert told(row) == ONE.format("letter case")


def test_what_is_sent_back_names_it_too_and_the_id_stands_in_its_own_column_alone(
    registry: Settings, tmp_path: Path
) -> None:
    (path,) = write_data_queries(registry, held_back(registry, Filter(entity="treatments")), tmp_path / "out")
    with path.open(encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row.pop("patient_id") == "ab-7"
    assert "letter case" in row["what to do"]
    assert not any("ab-7" in cell.casefold() for cell in row.values())
