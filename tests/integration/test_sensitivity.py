"""How the result moves when a choice is made otherwise, worked out by hand; and who is in the late window."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest
from integration.compiled_project import compiled_project

from registry.config.settings import Settings

# SWITCH: ocrelizumab to 2024-01-10, ofatumumab from 2024-06-01; low on 2024-09-01, 235 days after the last ocrelizumab.
# LATER: the same, low 366 days after the last ocrelizumab. DUFFY and BLIND (no count before) are cases on rituximab.
FILES = {
    "patients": "patient_id,birth_date,sex,duffy_null,last_contact_date\n"
    "SWITCH,1980-01-01,F,,2025-06-30\nLATER,1980-01-01,F,no,2025-06-30\n"
    "DUFFY,1980-01-01,F,yes,2025-06-30\nBLIND,1980-01-01,F,,2025-06-30\n",
    "administrations": "administration_id,patient_id,drug,administered_on\n"
    "1,SWITCH,ocrelizumab,2024-01-10\n2,SWITCH,ofatumumab,2024-06-01\n"
    "3,LATER,ocrelizumab,2024-01-10\n4,LATER,ofatumumab,2024-06-01\n5,LATER,ofatumumab,2024-12-20\n"
    "6,DUFFY,rituximab,2025-01-01\n7,BLIND,rituximab,2025-01-01\n",
    "lab_results": "result_id,patient_id,test_code,value,unit,collected_at\n"
    "1,SWITCH,751-8,3,10*9/L,2024-01-10\n2,SWITCH,751-8,0.6,10*9/L,2024-09-01\n"
    "3,LATER,751-8,3,10*9/L,2024-01-10\n4,LATER,751-8,0.6,10*9/L,2025-01-10\n"
    "5,DUFFY,751-8,1.6,10*9/L,2025-01-01\n6,DUFFY,751-8,0.9,10*9/L,2025-02-01\n"
    "7,BLIND,751-8,0.9,10*9/L,2025-02-01\n",
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    home = tmp_path_factory.mktemp("home")
    delivery = home / "deliveries" / "site" / "2025-06"
    delivery.mkdir(parents=True)
    for entity, text in FILES.items():
        (delivery / f"{entity}.csv").write_text(text)
    return compiled_project().build(home)


def counts(built: Settings, analysis: str) -> dict[str, tuple[int, int, int]]:
    """(patients, cases, days at risk) of each stratum, under udine_2025."""
    with duckdb.connect(str(built.warehouse), read_only=True) as connection:
        return {
            stratum: (patients, cases, round(years * 365.25))
            for stratum, patients, cases, years in connection.execute(
                "SELECT stratum, n_patients, n_cases, person_years FROM main.mart_sensitivity_analysis "
                "WHERE definition_id = 'udine_2025' AND analysis = ?",
                [analysis],
            ).fetchall()
        }


def days(first: str, last: str) -> int:
    return (date.fromisoformat(last) - date.fromisoformat(first)).days


def test_the_main_analysis_gives_all_to_the_last_drug(built: Settings) -> None:
    main = counts(built, "main")
    on_ocrelizumab = 2 * days("2024-01-10", "2024-06-01")
    on_ofatumumab = days("2024-06-01", "2024-09-01") + days("2024-06-01", "2025-01-10")
    assert main["ocrelizumab"] == (2, 0, on_ocrelizumab)
    assert main["ofatumumab"] == (2, 2, on_ofatumumab)
    assert main["rituximab"] == (2, 2, 2 * 31)
    assert main["all"] == (4, 4, on_ocrelizumab + on_ofatumumab + 62)


def test_a_late_effect_is_given_to_the_drug_before_up_to_the_last_day_of_its_window(built: Settings) -> None:
    main, moved = counts(built, "main"), counts(built, "late_effects_to_drug_before")
    window_end = date(2024, 1, 10) + timedelta(days=365)
    assert window_end == date(2025, 1, 9), "LATER falls on the day after"
    assert moved["ocrelizumab"] == (2, 1, days("2024-01-10", "2024-09-01") + 365)
    assert moved["ofatumumab"] == (2, 1, 1)
    assert moved["rituximab"] == main["rituximab"]
    assert moved["all"] == main["all"]


def test_patients_whose_counts_are_low_by_nature_and_those_never_counted_before_can_be_left_out(
    built: Settings,
) -> None:
    assert counts(built, "without_duffy_null")["all"][:2] == (3, 3)
    assert counts(built, "without_duffy_null")["rituximab"] == (1, 1, 31)
    assert counts(built, "with_baseline_anc")["all"][:2] == (3, 3)
    assert counts(built, "with_baseline_anc")["rituximab"] == (1, 1, 31)


def test_an_empty_cohort_has_its_row_in_every_analysis(tmp_path: Path) -> None:
    delivery = tmp_path / "deliveries" / "site" / "2025-06"
    delivery.mkdir(parents=True)
    (delivery / "patients.csv").write_text("patient_id\nNOBODY\n")
    empty = compiled_project().build(tmp_path)
    for analysis in ("main", "without_duffy_null", "with_baseline_anc", "late_effects_to_drug_before"):
        assert counts(empty, analysis) == {"all": (0, 0, 0)}


@pytest.mark.parametrize(("last_dose", "in_window"), [(89, False), (90, True), (180, True), (181, False)])
def test_the_late_window_counts_from_the_last_dose(last_dose: int, in_window: bool, tmp_path: Path) -> None:
    delivery = tmp_path / "deliveries" / "site" / "2025-06"
    delivery.mkdir(parents=True)
    given = date(2025, 6, 30) - timedelta(days=last_dose)
    (delivery / "patients.csv").write_text("patient_id,birth_date,sex\nP,1980-01-01,F\n")
    (delivery / "administrations.csv").write_text(
        f"administration_id,patient_id,drug,administered_on\n1,P,ocrelizumab,{given}\n"
    )
    settings = compiled_project().build(tmp_path, up_to=("mart_monitoring",))
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        found = connection.execute("SELECT days_since_last_dose, in_late_window FROM main.mart_monitoring").fetchall()
    assert found == [(last_dose, in_window)]
