"""Refreshes over time, beside readers, and when something is wrong."""

from __future__ import annotations

import csv
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from e2e.conftest import REGISTRY, digest, run_registry
from faults.driver import build_by_compiled_sql
from integration.compiled_project import Model, compiled_project

from orchestration import command
from orchestration.instance import prepare_dagster_home
from registry.build import dbt_runner
from registry.cli.main import main as cli
from registry.config.settings import load_settings
from registry.errors import UserError
from registry.paths import CHECKOUT
from registry.refresh import Plan
from registry.system import event_log, lock

pytestmark = pytest.mark.xdist_group("demo")
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
def growing(demo_home: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A copy of the demo's home to which another month was delivered, and its release."""
    home = Path(shutil.copytree(demo_home, tmp_path_factory.mktemp("growing") / "home", symlinks=True))
    deliver(home, "2025-04", {"result_id": "april-1", "collected_at": "2025-04-02", "value": "3.1"})
    return home, (home / "releases" / "current").resolve().name


def deliver(home: Path, month: str, cells: dict[str, str]) -> Path:
    """Deliver a neutrophil count of March once more, with other cells; the file."""
    site = home / "deliveries" / "udine"
    with (site / "2025-03" / "lab_results_synthetic.csv").open() as file:
        row = next(row for row in csv.DictReader(file) if row["test_code"] == "751-8" and row["unit"] == "10*9/L")
    path = site / month / "lab_results_one_synthetic.csv"
    path.parent.mkdir(exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(row))
        writer.writeheader()
        writer.writerow({**row, "specimen_id": "", **cells})
    return path


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
    assert current.startswith("2025-04-")
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


@pytest.mark.parametrize("which", [signal.SIGTERM, signal.SIGINT])
def test_a_refresh_that_is_stopped_says_so_and_leaves_no_alert(
    growing: tuple[Path, str], monkeypatch: pytest.MonkeyPatch, which: signal.Signals
) -> None:
    home, _ = growing
    before = (home / "releases" / "current").resolve()
    extra = deliver(home, "2025-03", {"result_id": "stopped-1", "value": "3.2"})

    def stopped(*_: object, **__: object) -> None:
        with dbt_runner._stopped_by_keyboard_interrupt():
            os.kill(os.getpid(), which)
            time.sleep(60)

    monkeypatch.setattr(dbt_runner, "run", stopped)
    try:
        done = CliRunner().invoke(cli, ["refresh", "--home", str(home)])
    finally:
        extra.unlink()
    assert done.exit_code == 130, done.output
    assert "stopped: the current release is unchanged" in done.stderr
    assert (home / "releases" / "current").resolve() == before
    settings = load_settings(home=home)
    assert not lock.is_held(settings)
    assert not settings.alerts.exists()
    assert [entry["exit_code"] for entry in event_log.entries(settings) if entry["event"] == "refresh_ended"][-1] == 130


def test_settings_edited_while_a_refresh_waits_are_those_of_that_refresh(
    growing: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    home, _ = growing
    study = home / "deliveries" / "registry.yml"
    before = study.read_text()
    planned = []

    def edit_while_waiting(*_: object, **__: object) -> bool:
        study.write_text(f"{before}\nkeep_releases: 7\n")
        return True

    def stop(plan: Plan) -> bool:
        planned.append(plan.settings.study.keep_releases)
        return False

    monkeypatch.setattr(lock, "acquire", edit_while_waiting)
    monkeypatch.setattr(command, "run_job", stop)
    try:
        CliRunner().invoke(cli, ["refresh", "--home", str(home)])
    finally:
        study.write_text(before)
    assert planned == [7]


def test_a_run_without_a_release_is_an_error(growing: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> None:
    home, _ = growing
    extra = deliver(home, "2025-03", {"result_id": "green-1", "value": "3.3"})
    monkeypatch.setattr(command, "run_job", lambda _plan: True)
    try:
        done = CliRunner().invoke(cli, ["refresh", "--home", str(home)])
    finally:
        extra.unlink()
    assert done.exit_code == 2, done.output
    assert "ended without a release" in done.stderr


@pytest.mark.parametrize("command_line", [["refresh"], ["doctor"]])
def test_a_home_whose_path_dagster_misreads_is_refused(tmp_path: Path, command_line: list[str]) -> None:
    home = tmp_path / "Registry [2025]"
    (home / "deliveries").mkdir(parents=True)
    done = CliRunner().invoke(cli, [*command_line, "--home", str(home)])
    assert done.exit_code != 0
    assert "misreads a path with '['" in done.output + done.stderr
    with pytest.raises(UserError, match="misreads a path"):
        prepare_dagster_home(load_settings(home=home))


PLANTED = {
    # an ANC of 250 forced past staging
    "stg_lab_result": (r"\(analyte = 'anc' and [^()]*canonical_value[^()]* > 100\)", "false"),
    # episodes that end before they start
    "int_episode": (r"(?<=<> 'ongoing' then )ended\.last_measured_date(?= end as end_date)", "ended.onset_date - 5"),
}
"""By model, what in its SQL is broken, and how."""


def test_planted_defects_are_refused_by_their_checks_and_change_nothing(
    growing: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    home, _ = growing
    project = compiled_project()
    models = [broken(model) if model.name in PLANTED else model for model in project.models]
    broken_project = replace(project, models=tuple(models))
    monkeypatch.setattr(dbt_runner, "run", lambda settings, *_, **__: build_by_compiled_sql(settings, broken_project))
    extra = deliver(home, "2025-03", {"result_id": "planted-1", "value": "250"})
    before = digest(home / "releases")
    try:
        done = CliRunner().invoke(cli, ["refresh", "--home", str(home)])
        assert done.exit_code == 3, done.output
        assert "anc_possible" in done.stdout
        assert "fct_neutropenia_episode_nadir_date_to_end_date" in done.stdout
        assert "Traceback" not in done.stderr
        assert digest(home / "releases") == before
    finally:
        extra.unlink()


def broken(model: Model) -> Model:
    """The model with its planted defect."""
    pattern, defect = PLANTED[model.name]
    sql, n = re.subn(pattern, defect, model.sql)
    assert n >= 1, model.name
    return replace(model, sql=sql)


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
