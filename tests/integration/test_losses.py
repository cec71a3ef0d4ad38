"""What one site or one case lost since the release before: what warns, what blocks, and what a site may take back."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest
from integration.candidates import one
from integration.compiled_project import compiled_project
from integration.defects_since_the_previous import TRIESTE_JULY
from integration.synthetic_warehouse import alter

from expectations import audit
from expectations.suites import losses

JULY = f"DELETE FROM main.fct_anc WHERE {TRIESTE_JULY}"
ALL_BUT = JULY + " AND anc_key NOT IN (SELECT anc_key FROM main.fct_anc WHERE {} ORDER BY anc_key LIMIT {})"
A_FILE = (
    "INSERT INTO meta.reconciliation SELECT site, '2024-03', '{entity}', 'new', {n}, {n}, 0, 0, 0, 0, 0, 0, {n}, 0, 0 "
    "FROM meta.reconciliation WHERE site = 'trieste' AND delivery = '2024-03'"
)


def test_a_month_of_a_site_warns_when_it_lost_more_than_half(candidate: Path, sound: Path) -> None:
    alter(candidate, ALL_BUT.format(TRIESTE_JULY, 7))
    assert one(candidate, "site_anc_month_shrunk", sound).passed
    alter(candidate, ALL_BUT.format(TRIESTE_JULY, 6))
    result = one(candidate, "site_anc_month_shrunk", sound)
    assert (result.severity, result.detail) == ("warning", "trieste 2023-07 6 of 13")
    assert one(candidate, "site_anc_month_emptied", sound).passed


@pytest.mark.parametrize(("n_before", "blocks"), [(9, False), (10, True)])
def test_a_month_of_few_counts_may_come_back_empty(
    n_before: int, blocks: bool, candidate: Path, tmp_path: Path
) -> None:
    alter(candidate, ALL_BUT.format(TRIESTE_JULY, n_before))
    previous = Path(shutil.copy(candidate, tmp_path / "previous.duckdb"))
    alter(candidate, JULY)
    result = one(candidate, "site_anc_month_emptied", previous)
    assert (result.blocks, result.detail) == (blocks, "trieste 2023-07" if blocks else "")
    assert one(candidate, "site_anc_month_shrunk", previous).passed is not blocks


def test_a_site_whose_months_are_all_small_is_missed_as_a_whole(candidate: Path, tmp_path: Path) -> None:
    alter(
        candidate,
        "DELETE FROM main.fct_anc WHERE site = 'trieste' AND patient_key NOT IN (SELECT patient_key FROM "
        "main.dim_patient WHERE site = 'trieste' ORDER BY patient_key LIMIT 5)",
    )
    previous = Path(shutil.copy(candidate, tmp_path / "previous.duckdb"))
    alter(candidate, "DELETE FROM main.fct_anc WHERE site = 'trieste'")
    assert one(candidate, "site_anc_month_emptied", previous).detail == "trieste all months"


@pytest.mark.parametrize(
    ("entity", "n", "blocks"), [("lab_results", 3, True), ("lab_results", 4, False), ("patients", 13, True)]
)
def test_counts_that_the_site_has_cancelled_are_not_lost(
    entity: str, n: int, blocks: bool, candidate: Path, sound: Path
) -> None:
    """Of 13 counts gone, fewer than ten without a cancellation do not block."""
    alter(candidate, JULY, A_FILE.format(entity=entity, n=n))
    assert one(candidate, "site_anc_month_emptied", sound).blocks is blocks
    assert not one(candidate, "site_anc_month_shrunk", sound).passed


def test_cancellations_that_were_there_before_excuse_nothing(candidate: Path, tmp_path: Path) -> None:
    alter(candidate, A_FILE.format(entity="lab_results", n=13))
    previous = Path(shutil.copy(candidate, tmp_path / "previous.duckdb"))
    alter(candidate, JULY)
    assert one(candidate, "site_anc_month_emptied", previous).blocks


@pytest.mark.parametrize(("n_erased", "blocks"), [(12, True), (13, False)])
def test_counts_of_forgotten_patients_are_not_lost(n_erased: int, blocks: bool, candidate: Path, sound: Path) -> None:
    alter(
        candidate,
        "DELETE FROM main.fct_anc WHERE site = 'trieste'",
        "DELETE FROM main.dim_patient WHERE site = 'trieste'",
        "INSERT INTO meta.reconciliation SELECT site, delivery, 'patients', 'erased', 13, 0, 0, 0, 0, 0, 0, "
        f"{n_erased}, 0, 0, 0 FROM meta.reconciliation WHERE site = 'trieste' AND delivery = '2023-01'",
    )
    assert one(candidate, "site_anc_month_emptied", sound).blocks is blocks


@pytest.mark.parametrize(("n_erased", "blocks"), [(26, True), (27, False)])
def test_tables_halved_by_forgotten_patients_are_not_lost(
    n_erased: int, blocks: bool, candidate: Path, sound: Path
) -> None:
    """Of 40 patients the 27 of one site withdraw."""
    gone = "(SELECT patient_key FROM main.dim_patient WHERE site = 'udine')"
    alter(
        candidate,
        *(
            f"DELETE FROM main.{table} WHERE patient_key IN {gone}"
            for table in ("fct_anc", "fct_dose", "fct_treatment", "dim_patient")
        ),
        "INSERT INTO meta.reconciliation SELECT site, delivery, 'patients', 'erased', 27, 0, 0, 0, 0, 0, 0, "
        f"{n_erased}, 0, 0, 0 FROM meta.reconciliation WHERE site = 'udine' AND delivery = '2023-01'",
    )
    for check_id in ("patients_halved", "treatments_halved", "doses_halved", "anc_halved"):
        assert one(candidate, check_id, sound).blocks is blocks, check_id


def test_counts_that_were_given_another_date_are_not_lost(candidate: Path, sound: Path) -> None:
    alter(candidate, f"UPDATE main.fct_anc SET collected_on = DATE '2023-08-06' WHERE {TRIESTE_JULY}")
    assert one(candidate, "site_anc_month_emptied", sound).passed


def test_a_month_behind_a_cut_off_moved_back_is_not_lost(candidate: Path, sound: Path) -> None:
    alter(
        candidate,
        "UPDATE main.dim_patient SET observation_end = DATE '2023-04-30'",
        "DELETE FROM main.fct_anc WHERE collected_on > DATE '2023-04-30'",
        "DELETE FROM main.fct_neutropenia_episode",
    )
    for check_id in ("site_anc_month_emptied", "site_anc_month_shrunk", "case_episodes_lost"):
        assert one(candidate, check_id, sound).passed, check_id


EPISODE = "UPDATE main.fct_neutropenia_episode SET"


@pytest.mark.parametrize(
    ("statement", "detail"),
    [
        (f"{EPISODE} attributed_drug = NULL, is_case_episode = false", "no longer attributed"),
        (f"{EPISODE} adjudication = 'lab_error', is_case_episode = false", "ruled out by review"),
        (f"{EPISODE} is_case_episode = false", "no longer in the cohort"),
        (f"{EPISODE} onset_date = onset_date + 60, end_date = end_date + 60", "absent"),
        ("DELETE FROM main.fct_neutropenia_episode", "absent"),
        # the onset has moved within the episode: a case still
        (f"{EPISODE} onset_date = onset_date - 20", ""),
        ("DELETE FROM main.fct_neutropenia_episode WHERE definition_id <> 'udine_2025'", ""),
        # a new key renames everybody: nothing can be compared
        ("UPDATE main.dim_patient SET patient_key = sha256(patient_key)", ""),
    ],
)
def test_a_case_that_was_published_does_not_vanish_unnoticed(
    statement: str, detail: str, candidate: Path, sound: Path
) -> None:
    alter(candidate, statement)
    if "dim_patient" in statement:
        alter(candidate, "DELETE FROM main.fct_neutropenia_episode")
    result = one(candidate, "case_episodes_lost", sound)
    assert not result.blocks
    assert result.detail == "; ".join(f"{site} severe {detail}: {n}" for site, n in CASES if detail)
    assert result.n_unexpected == (4 if detail else 0)


CASES = (("trieste", 1), ("udine", 3))


def draws(months: range) -> list[str]:
    """Rows of lab_results of one patient: twelve days a month."""
    return [f"{m}-{day},P1,751-8,3.1,10*9/L,2024-{m:02d}-{day:02d}," for m in months for day in range(1, 13)]


def test_a_snapshot_without_a_month_is_refused_until_the_site_takes_its_results_back(tmp_path: Path) -> None:
    header = "result_id,patient_id,test_code,value,unit,collected_at,status"
    site = tmp_path / "deliveries" / "udine"

    def deliver(month: str, rows: list[str]) -> Path:
        folder = site / month
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "patients.csv").write_text("patient_id,birth_date,sex\nP1,1980,F\n")
        (folder / "lab_results.csv").write_text("\n".join([header, *rows]) + "\n")
        return compiled_project().build(tmp_path).warehouse

    def judged(warehouse: Path) -> dict[str, str]:
        return {r.check_id: r.detail for r in audit(warehouse, previous, checks=losses.CHECKS).checks if not r.passed}

    site.mkdir(parents=True)
    (site / "site.yml").write_text("mode: snapshot\n")
    previous = Path(shutil.copy(deliver("2024-04", draws(range(1, 5))), tmp_path / "previous.duckdb"))
    without_march = [row for row in draws(range(1, 6)) if not row.startswith("3-")]
    warned = {"site_anc_month_shrunk": "udine 2024-03 0 of 12"}
    assert judged(deliver("2024-05", without_march)) == {**warned, "site_anc_month_emptied": "udine 2024-03"}
    taken_back = [f"{row}cancelled" for row in draws(range(3, 4))]
    warehouse = deliver("2024-05", without_march + taken_back)
    assert judged(warehouse) == warned
    accounts = "SELECT delivery, rows_current, rows_cancelled FROM meta.reconciliation WHERE entity = 'lab_results'"
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        found = connection.execute(accounts).fetchall()
    assert sorted(found) == [("2024-04", 36, 0), ("2024-05", 24, 12)]


def test_a_case_that_a_late_dose_leaves_without_its_drug_is_named(tmp_path: Path) -> None:
    """Doses injected at home are assumed after the last recorded one: one that comes late takes earlier ones away."""
    folder = tmp_path / "deliveries" / "udine" / "2024-06"
    folder.mkdir(parents=True)
    (folder / "patients.csv").write_text("patient_id,birth_date,sex,last_contact_date\nP1,1980,F,2024-06-20\n")
    (folder / "treatments.csv").write_text("treatment_id,patient_id,drug,start_date\nT1,P1,ofatumumab,2023-01-02\n")
    counts = [("2022-12-20", 3.0), ("2024-02-10", 2.5), ("2024-02-20", 0.3), ("2024-03-05", 2.8)]
    (folder / "lab_results.csv").write_text(
        "result_id,patient_id,test_code,value,unit,collected_at\n"
        + "".join(f"{day},P1,751-8,{anc},10*9/L,{day}\n" for day, anc in counts)
    )
    previous = Path(shutil.copy(compiled_project().build(tmp_path).warehouse, tmp_path / "previous.duckdb"))
    (folder / "administrations.csv").write_text(
        "administration_id,patient_id,drug,administered_on\nA1,P1,ofatumumab,2024-05-02\n"
    )
    candidate = compiled_project().build(tmp_path).warehouse
    assert one(candidate, "case_episodes_lost", previous).detail == "udine severe no longer attributed: 1"
