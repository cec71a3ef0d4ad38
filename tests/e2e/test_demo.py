"""The demo: the Udine series comes out of the pipeline from simulated doses and counts."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import duckdb
import pytest
from e2e.conftest import digest, run_registry

from registry.config.settings import load_settings
from registry.system import event_log

pytestmark = pytest.mark.xdist_group("demo")


def test_the_demo_ends_with_the_papers_table(demo: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    home, done = demo
    printed = " ".join(done.stdout.split())
    for figure in (
        "Patients in the cohort 171",
        "6 of 171: 3.5 % (95 % CI 1.3 to 7.5)",
        "first episode on ocrelizumab 4 of",
        "first episode on rituximab 2 of",
        "first episode on ofatumumab 0 of",
        "Recurrence 3 of 6: 50.0 % (95 % CI 11.8 to 88.2)",
        "switched to ofatumumab 2 of 3",
        "Treatment stopped, without recurrence 1 of 3",
        "Treated with G-CSF 5 of 6",
        "Late onset 5 of 6",
    ):
        assert figure in printed
    assert str((home / "releases").resolve()) in done.stdout
    assert "registry sql" in done.stdout


def test_each_step_of_a_refresh_is_in_the_journal(demo_home: Path) -> None:
    events = {entry["event"] for entry in event_log.entries(load_settings(home=demo_home))}
    assert {"refresh_started", "rows_loaded", "warehouse_built", "gate", "refresh_ended"} <= events


def test_a_second_refresh_makes_no_new_release(demo_home: Path) -> None:
    before = digest(demo_home / "releases")
    done = run_registry("refresh", "--home", demo_home)
    assert done.returncode == 0, done.stderr
    assert "unchanged" in done.stdout
    assert "warehouse" not in done.stderr, "neither Dagster nor dbt was started"
    assert "Blocking" not in done.stderr
    assert digest(demo_home / "releases") == before


def test_every_file_of_a_release_is_what_its_checksums_say(demo_home: Path) -> None:
    release = (demo_home / "releases" / "current").resolve()
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=release, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    listed = {line.split("  ", 1)[1] for line in (release / "SHA256SUMS").read_text().splitlines()}
    present = {str(path.relative_to(release)) for path in release.rglob("*") if path.is_file()}
    assert present - listed == {"SHA256SUMS"}


def test_the_release_says_everywhere_that_it_is_synthetic(demo_home: Path) -> None:
    release = demo_home / "releases" / "current"
    assert json.loads((release / "manifest.json").read_text())["synthetic"] is True
    with duckdb.connect(str(release / "registry.duckdb"), read_only=True) as connection:
        unlabelled = connection.execute(
            "SELECT schema_name, table_name FROM duckdb_tables() "
            "WHERE NOT internal AND coalesce(comment, '') NOT ILIKE '%synthetic%'"
        ).fetchall()
    assert unlabelled == []


def test_the_commands_of_the_demo_answer(demo_home: Path) -> None:
    listing = run_registry("releases", "list", "--home", demo_home)
    assert listing.returncode == 0
    release_id = listing.stdout.splitlines()[1].split()[0]
    assert "main.fct_anc" in run_registry("releases", "show", release_id, "--home", demo_home).stdout
    assert "current release" in run_registry("status", "--home", demo_home).stdout
    steps = [line.split()[0] for line in run_registry("status", "--timings", "--home", demo_home).stdout.splitlines()]
    assert {"deliveries", "warehouse", "statistics", "gate", "release"} <= set(steps)
    assert "no quarantined rows are open" in run_registry("quarantine", "--home", demo_home).stdout
    answer = run_registry(
        "sql", "--home", demo_home, "--format", "csv",
        "select count(*) as n from mart_case_listing where definition_id = 'udine_2025'",
    )  # fmt: skip
    assert answer.stdout.split() == ["n", "6"]


def test_sql_from_users_only_reads_the_release(demo_home: Path) -> None:
    done = run_registry("sql", "--home", demo_home, f"copy dim_patient to '{demo_home}/tmp/out.csv'")
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr
