"""Refreshes over time, beside readers, and when something is wrong."""

from __future__ import annotations

import csv
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from e2e.conftest import REGISTRY, digest, run_registry
from integration.registry_home import refresh_home

from registry.paths import CHECKOUT
from registry.simulate import simulate_udine

pytestmark = pytest.mark.xdist_group("refresh")
HOLD_THE_LOCK = """
import sys, time
from pathlib import Path
from registry.system import lock
from registry.config.settings import load_settings
lock.acquire(load_settings(home=Path(sys.argv[1])), "the test")
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture(scope="module")
def growing(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A home refreshed up to the month before the last, and its release."""
    home = tmp_path_factory.mktemp("growing")
    simulate_udine(home / "deliveries")
    assert refresh_home(home, through="2025-02").status == "published"
    return home, (home / "releases" / "current").resolve().name


def test_a_refresh_killed_while_it_builds_is_finished_by_the_next_beside_the_old_release_and_a_reader(
    growing: tuple[Path, str],
) -> None:
    home, first = growing
    before = digest(home / "releases" / first)
    kill_while_it_builds(home)
    assert (home / "releases" / "current").resolve().name == first
    refresh = subprocess.Popen(
        [str(REGISTRY), "refresh", "--home", str(home)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=CHECKOUT
    )
    answers = 0
    while refresh.poll() is None:
        done = run_registry(
            "sql", "--home", home, "--format", "csv",
            "select count(*) from mart_case_listing where definition_id = 'udine_2025'",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert done.stdout.split()[1] == "6"
        answers += 1
        time.sleep(3)
    assert refresh.returncode == 0, refresh.stdout.read().decode() if refresh.stdout else ""
    assert answers > 1
    current = (home / "releases" / "current").resolve().name
    assert current != first
    assert current.startswith("2025-03-")
    assert digest(home / "releases" / first) == before


def kill_while_it_builds(home: Path) -> None:
    """A refresh with all its processes, killed as soon as dbt writes to the build file."""
    log = home / "warehouse.duckdb.wal"
    refresh = subprocess.Popen(
        [str(REGISTRY), "refresh", "--home", str(home)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        cwd=CHECKOUT, start_new_session=True,
    )  # fmt: skip
    while not log.exists() and refresh.poll() is None:
        time.sleep(0.05)
    assert refresh.poll() is None, "it ended before it could be killed"
    os.killpg(refresh.pid, signal.SIGKILL)
    refresh.wait()


PLANTED = [
    # an ANC of 250 forced past staging
    ("macros/units.sql", "(analyte = 'anc' and {{ canonical }} > 100)", "false"),
    # episodes that end before they start
    (
        "models/intermediate/episode/int_episode.sql",
        "    case when ended.end_status <> 'ongoing' then ended.last_measured_on end as end_on,",
        "    case when ended.end_status <> 'ongoing' then ended.onset_on - 5 end as end_on,",
    ),
]


def broken_checkout(folder: Path) -> Path:
    """A copy of this checkout in which two lines of SQL are broken."""
    shutil.copytree(
        CHECKOUT, folder, ignore=shutil.ignore_patterns(".venv", "data", ".git", "target", "__pycache__", "tests")
    )
    for sql_file, old, new in PLANTED:
        path = folder / "dbt_project" / sql_file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))
    return folder


def refresh_from(checkout: Path, home: Path) -> subprocess.CompletedProcess[str]:
    """A refresh by another checkout's code."""
    return subprocess.run(
        [sys.executable, "-m", "registry.cli", "refresh", "--home", str(home)],
        cwd=checkout, env={**os.environ, "PYTHONPATH": str(checkout)}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_planted_defects_are_refused_by_their_checks_and_change_nothing(
    growing: tuple[Path, str], tmp_path: Path
) -> None:
    home, _ = growing
    delivery = home / "deliveries" / "udine" / "2025-03"
    with (delivery / "lab_results_synthetic.csv").open() as file:
        row = next(row for row in csv.DictReader(file) if row["test_code"] == "751-8" and row["unit"] == "10*9/L")
    extra = delivery / "lab_results_planted_synthetic.csv"
    with extra.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(row))
        writer.writeheader()
        writer.writerow({**row, "result_id": "planted-1", "specimen_id": "", "value": "250"})
    before = digest(home / "releases")
    try:
        done = refresh_from(broken_checkout(tmp_path / "checkout"), home)
        assert done.returncode == 3, done.stdout + done.stderr
        assert "anc_possible" in done.stdout
        assert "fct_neutropenia_episode_nadir_date_to_end_date" in done.stdout
        assert "Traceback" not in done.stderr
        assert digest(home / "releases") == before
    finally:
        extra.unlink()


def test_a_mistake_of_the_user_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    deliveries = tmp_path / "deliveries"
    (deliveries / "udine" / "2025-01").mkdir(parents=True)
    (deliveries / "udine" / "site.yml").write_text("csv: {delimitr: ';'}\n")
    done = run_registry("refresh", "--home", tmp_path, "--deliveries", deliveries)
    assert done.returncode == 2
    assert "delimitr" in done.stderr
    assert "site.yml" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"deliveries"}, "nothing was begun"


def test_a_second_refresh_says_who_holds_the_lock(tmp_path: Path) -> None:
    (tmp_path / "deliveries").mkdir()
    holder = subprocess.Popen(
        [
            sys.executable, "-c",
            HOLD_THE_LOCK,
            str(tmp_path),
        ],
        stdout=subprocess.PIPE, cwd=CHECKOUT,
    )  # fmt: skip
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        done = run_registry("refresh", "--home", tmp_path, "--no-wait")
        assert done.returncode == 2
        assert f"the test, process {holder.pid}" in done.stderr
    finally:
        holder.kill()
        holder.wait()
