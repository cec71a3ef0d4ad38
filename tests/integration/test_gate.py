"""The gate: what blocks, what warns, and what it never tells."""

from __future__ import annotations

import hashlib
import logging
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from integration.defects_of_a_release import PLANTED
from integration.synthetic_warehouse import alter, build

from expectations import Audit, CheckResult, audit
from expectations.catalogue import CHECKS, QUERIED
from expectations.check import Check
from expectations.contract import PUBLISHED
from expectations.grading import misgraded_results

BY_ID = {check.check_id: check for check in QUERIED}
GENERATED = ("_columns", "_key_present", "_key_unique")


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A candidate with nothing wrong."""
    return build(tmp_path_factory.mktemp("sound") / "sound.duckdb")


@pytest.fixture
def candidate(sound: Path, tmp_path: Path) -> Path:
    """A copy of it to break."""
    return Path(shutil.copy(sound, tmp_path / "candidate.duckdb"))


def one(candidate: Path, check_id: str, previous: Path | None = None) -> CheckResult:
    """The result of one check."""
    (result,) = audit(candidate, previous, checks=[BY_ID[check_id]]).checks
    return result


def fill(statement: str, path: Path) -> str:
    """The statement with the keys of a case and of another patient."""
    with duckdb.connect(str(path), read_only=True) as connection:
        case = connection.execute("SELECT min(patient_key) FROM main.fct_neutropenia_episode").fetchone()
        other = connection.execute(
            "SELECT min(patient_key) FROM main.dim_patient WHERE patient_key NOT IN "
            "(SELECT patient_key FROM main.fct_neutropenia_episode)"
        ).fetchone()
    assert case
    assert other
    return statement.replace("{case}", case[0]).replace("{other}", other[0])


def test_a_sound_candidate_passes_every_check(sound: Path) -> None:
    result = audit(sound, sound)
    assert [(r.check_id, r.detail) for r in result.checks if not r.passed] == []
    assert [r.check_id for r in result.checks] == [check.check_id for check in QUERIED]
    assert result.passed


def test_a_first_release_has_nothing_to_be_compared_with(sound: Path) -> None:
    results = [r for r in audit(sound).checks if BY_ID[r.check_id].needs_previous]
    assert len(results) == 6
    assert all(r.passed and r.detail.startswith("not applicable") for r in results)


@pytest.mark.parametrize("check_id", PLANTED)
def test_every_check_sees_its_defect(check_id: str, candidate: Path, sound: Path) -> None:
    alter(candidate, fill(PLANTED[check_id], sound))
    result = one(candidate, check_id, previous=sound)
    assert not result.passed
    assert result.n_unexpected > 0
    assert not result.detail.startswith("could not be checked")
    assert result.severity == BY_ID[check_id].severity


def test_no_check_is_without_a_planted_defect() -> None:
    assert set(PLANTED) == {check_id for check_id in BY_ID if not check_id.endswith(GENERATED)}


@pytest.mark.parametrize("table", PUBLISHED, ids=lambda table: table.name)
def test_a_missing_table_blocks_every_check_on_it(table, candidate: Path) -> None:
    alter(candidate, f"DROP TABLE {table.name}")
    checks = [check for check in QUERIED if check.table == table.name]
    results = audit(candidate, checks=checks).checks
    assert results
    assert all(r.blocks and r.detail == f"table missing: {table.name}" for r in results)


def test_a_missing_column_blocks(candidate: Path) -> None:
    alter(candidate, "ALTER TABLE main.fct_dose DROP COLUMN dose_source")
    assert one(candidate, "fct_dose_columns").blocks


def test_a_repeated_and_a_missing_key_block(candidate: Path) -> None:
    alter(candidate, "INSERT INTO main.fct_anc SELECT * FROM main.fct_anc ORDER BY anc_key LIMIT 3")
    assert one(candidate, "fct_anc_key_unique").n_unexpected == 3
    alter(candidate, "UPDATE main.fct_dose SET drug = NULL WHERE dose_number = 1")
    assert one(candidate, "fct_dose_key_present").n_unexpected == 40


def test_a_check_whose_query_fails_blocks_even_if_it_would_only_warn(candidate: Path) -> None:
    alter(candidate, "ALTER TABLE main.fct_anc DROP COLUMN lln_10e9_l")
    result = one(candidate, "anc_lower_limit_plausible")
    assert BY_ID["anc_lower_limit_plausible"].severity == "warning"
    assert result.blocks
    assert result.detail == "could not be checked: its query failed"


def test_a_check_that_is_never_carried_out_blocks(sound: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("expectations.gx.validate", lambda *_: {})
    result = one(sound, "anc_possible")
    assert result.blocks
    assert result.detail == "could not be checked: no result"


def test_warnings_alone_do_not_block(candidate: Path, sound: Path) -> None:
    alter(candidate, fill(PLANTED["anc_plausible"], sound))
    alter(candidate, fill(PLANTED["site_silent_in_latest_month"], sound))
    result = audit(candidate, checks=[BY_ID["anc_plausible"], BY_ID["site_silent_in_latest_month"]])
    assert result.passed
    assert {r.check_id for r in result.warnings} == {"anc_plausible", "site_silent_in_latest_month"}


def test_one_critical_failure_blocks_all() -> None:
    check = Check("c", "main.t", "critical", "d", "s")
    assert not Audit((CheckResult.of(check, passed=True), CheckResult.of(check, passed=False))).passed


def test_results_and_logs_hold_no_value_of_a_patient(
    candidate: Path, sound: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with duckdb.connect(str(sound), read_only=True) as connection:
        keys = {key for (key,) in connection.execute("SELECT patient_key FROM main.dim_patient").fetchall()}
    alter(
        candidate,
        "UPDATE main.fct_anc SET anc_10e9_l = 123.456, patient_key = reverse(patient_key)",
        # DuckDB's own message on this would quote the text
        "ALTER TABLE main.fct_dose ALTER COLUMN administered_on TYPE VARCHAR",
        "UPDATE main.fct_dose SET administered_on = 'Mario Rossi'",
    )
    result = audit(candidate, sound)
    shown = capfd.readouterr()
    everything = repr(result) + shown.out + shown.err + caplog.text
    assert any(r.detail.startswith("could not be checked") for r in result.checks)
    assert "123.456" not in everything
    assert "Mario" not in everything
    assert not any(key in everything or key[::-1] in everything for key in keys)


def test_offenders_are_named_only_where_they_are_no_patients(candidate: Path, sound: Path) -> None:
    alter(candidate, PLANTED["delivery_month_lost"])
    assert one(candidate, "delivery_month_lost", sound).detail == "trieste 2023-02"
    for check in QUERIED:
        if check.names_offenders:
            selected = check.sql.upper().split("FROM")[0]
            assert not any(key in selected for key in ("PATIENT_KEY", "ANC_KEY", "EPISODE_ID")), check.check_id


def test_the_candidate_is_read_and_neither_written_nor_kept_open(candidate: Path, sound: Path) -> None:
    before = hashlib.sha256(candidate.read_bytes()).hexdigest()
    audit(candidate, sound, checks=[BY_ID["anc_possible"], BY_ID["anc_halved"]])
    assert hashlib.sha256(candidate.read_bytes()).hexdigest() == before
    for path in (candidate, sound):
        with duckdb.connect(str(path)) as connection:
            connection.execute("SELECT 1")


def test_a_folder_name_with_odd_characters_is_no_obstacle(sound: Path, tmp_path: Path) -> None:
    folder = tmp_path / "l'ospedale di $UDINE? 100% #1"
    folder.mkdir()
    odd = Path(shutil.copy(sound, folder / "registry.duckdb"))
    assert audit(odd, odd, checks=[BY_ID["anc_possible"], BY_ID["anc_halved"]]).passed


def test_a_cut_off_moved_back_on_purpose_is_not_taken_for_lost_rows(candidate: Path, sound: Path) -> None:
    alter(
        candidate,
        "UPDATE main.dim_patient SET observation_end = DATE '2023-04-30'",
        "DELETE FROM main.fct_anc WHERE collected_on > DATE '2023-04-30'",
        "DELETE FROM main.fct_dose WHERE administered_on > DATE '2023-04-30'",
    )
    assert one(candidate, "anc_halved", sound).passed
    assert one(candidate, "doses_halved", sound).passed


def test_a_changed_unit_of_one_site_and_month_is_named(candidate: Path, sound: Path) -> None:
    alter(candidate, PLANTED["site_median_anc_moved"])
    result = one(candidate, "site_median_anc_moved", sound)
    assert not result.blocks
    assert result.detail == "trieste 2024-02"


def test_a_month_that_was_published_before_is_not_held_up_again(candidate: Path) -> None:
    alter(candidate, PLANTED["site_median_anc_moved"])
    assert one(candidate, "site_median_anc_moved", previous=candidate).passed


@pytest.mark.parametrize(
    ("value", "operator", "lln", "grades"),
    [
        # value, operator, LLN → udine_2025, ctcae_v5, ctcae_v6, daids_2_1; domain facts, admiral's semantics
        ("0.099999", None, None, ("severe", "4", "4", "4")),
        ("0.499999", None, None, ("severe", "4", "3", "3")),
        ("0.5", None, None, ("moderate", "3", "2", "3")),
        ("0.999999", None, None, ("moderate", "3", "2", "1")),
        ("1", None, None, ("mild", "2", "1", "1")),
        ("1.000001", None, None, ("mild", "2", "1", "0")),
        ("1.499999", None, "1.2", ("mild", "2", "1", "0")),
        ("1.5", None, None, ("none", None, "0", "0")),
        ("1.5", None, "1.2", ("none", "0", "0", "0")),
        ("1.5", None, "2", ("none", "1", "0", "0")),
        ("2", None, "2", ("none", "0", "0", "0")),
        ("0.5", "<", None, ("severe", "4", None, None)),
        ("0.5", "<=", None, (None, None, None, None)),
        ("0.1", "<", None, ("severe", "4", "4", "4")),
        ("1.0", "<", None, (None, None, None, None)),
        ("1.5", ">=", None, ("none", None, "0", "0")),
        ("1.0", ">", None, (None, None, None, "0")),
        ("2.5", ">", "2", ("none", "0", "0", "0")),
        ("1.8", ">", "2", ("none", None, "0", "0")),
        (None, None, None, (None, None, None, None)),
    ],
)
def test_a_grade_is_right_only_where_every_allowed_value_has_it(value, operator, lln, grades, candidate: Path) -> None:
    columns = {
        "severity": ("udine_2025", ["none", "mild", "moderate", "severe"]),
        "ctcae_v5_grade": ("ctcae_v5", list("01234")),
        "ctcae_v6_grade": ("ctcae_v6", list("01234")),
        "daids_2_1_grade": ("daids_2_1", list("01234")),
    }
    with duckdb.connect(str(candidate)) as connection:
        for (column, (scale, possible)), right in zip(columns.items(), grades, strict=True):
            for grade in [*possible, None]:
                connection.execute("DELETE FROM main.fct_anc")
                connection.execute(
                    f"INSERT INTO main.fct_anc (anc_key, anc_10e9_l, operator, lln_10e9_l, {column}) "
                    "VALUES ('a', ?, ?, ?, ?)",
                    [value, operator, lln, grade],
                )
                found = connection.execute(misgraded_results(column, scale)).fetchall()
                assert found == ([] if grade == right else [("a",)]), (scale, grade)


def test_grades_that_overlap_in_the_seed_do_not_pass(candidate: Path) -> None:
    alter(
        candidate,
        "UPDATE main.dim_grading_scale SET upper = 0.6 WHERE scale = 'udine_2025' AND grade = 'severe'",
        "UPDATE main.fct_anc SET anc_10e9_l = 0.55, severity = 'moderate' WHERE anc_10e9_l < 0.5",
    )
    assert one(candidate, "anc_severity_agrees_with_scale").blocks


def test_check_ids_are_unique_and_every_check_says_what_and_why() -> None:
    ids = [check.check_id for check in CHECKS]
    assert len(ids) == len(set(ids))
    for check in CHECKS:
        assert check.check_id == check.check_id.lower().replace("-", "_")
        assert check.description.endswith(".")
        assert check.source
        assert check.table in {table.name for table in PUBLISHED}
        if check.sql:
            assert check.table in check.sql


def test_the_catalogue_is_imported_without_great_expectations() -> None:
    code = (
        "import sys, expectations, expectations.catalogue;"
        "print([m for m in ('great_expectations', 'dagster', 'dbt', 'pandas', 'sqlalchemy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
