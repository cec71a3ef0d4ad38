"""The gate: what blocks, what warns, and what it never tells."""

from __future__ import annotations

import hashlib
import logging
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from integration.candidates import BY_ID, filled, one
from integration.defects_of_a_release import PLANTED
from integration.synthetic_warehouse import alter

from expectations import Audit, CheckResult, audit
from expectations.catalogue import every_check, queried
from expectations.check import Check, Tolerance
from expectations.grading import misgraded_results
from expectations.published import published


def test_a_sound_candidate_passes_every_check(sound: Path) -> None:
    result = audit(sound, sound)
    assert [(r.check_id, r.detail) for r in result.checks if not r.passed] == []
    assert [r.check_id for r in result.checks] == [check.check_id for check in queried()]
    assert result.passed


def test_a_first_release_has_nothing_to_be_compared_with(sound: Path) -> None:
    results = [r for r in audit(sound).checks if BY_ID[r.check_id].needs_previous]
    assert len(results) == 17
    assert all(r.passed and r.detail.startswith("not applicable") for r in results)


def test_a_missing_column_blocks(candidate: Path) -> None:
    alter(candidate, "ALTER TABLE main.fct_dose DROP COLUMN dose_source")
    assert one(candidate, "fct_dose_columns").blocks


def test_a_repeated_and_a_missing_key_block(candidate: Path) -> None:
    alter(candidate, "INSERT INTO main.fct_anc SELECT * FROM main.fct_anc ORDER BY anc_key LIMIT 3")
    assert one(candidate, "fct_anc_key_unique").n_unexpected == 6  # both rows of each
    alter(candidate, "UPDATE main.fct_dose SET drug = NULL WHERE dose_number = 1")
    assert one(candidate, "fct_dose_drug_present").n_unexpected == 40


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
    alter(candidate, filled(PLANTED["anc_plausible"], sound))
    alter(candidate, filled(PLANTED["site_silent_in_latest_month"], sound))
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
    for check in queried():
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
    ids = [check.check_id for check in every_check()]
    assert len(ids) == len(set(ids))
    for check in every_check():
        assert check.check_id == check.check_id.lower().replace("-", "_")
        assert check.description.endswith(".")
        assert check.source
        assert check.table in {table.name for table in published()}
        if check.sql:
            assert check.table in check.sql


def test_the_catalogue_is_imported_without_great_expectations() -> None:
    code = (
        "import sys, expectations.catalogue as c; assert len(c.queried()) > 300;"
        "print([m for m in ('great_expectations', 'dagster', 'dbt', 'pandas', 'sqlalchemy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_few_rows_within_the_tolerated_share_pass_and_are_counted(candidate: Path) -> None:
    key = "(SELECT min(anc_key) FROM main.fct_anc)"
    alter(candidate, f"UPDATE main.fct_anc SET anc_10e9_l = 32 WHERE anc_key = {key}")
    with duckdb.connect(str(candidate)) as connection:
        (n_rows,) = connection.execute("SELECT count(*) FROM main.fct_anc").fetchone() or (0,)
    check = BY_ID["anc_plausible"]
    just, too_little = (replace(check, tolerance=Tolerance(1 / (n_rows + n), "2026-11-22: a test")) for n in (0, 1))
    (result,) = audit(candidate, checks=[just]).checks
    assert (result.passed, result.n_unexpected) == (True, 1)
    (result,) = audit(candidate, checks=[too_little]).checks
    assert (result.passed, result.n_unexpected) == (False, 1)
