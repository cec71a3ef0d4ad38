"""What a failing step leaves in Dagster: no value, no file name. Whoever started it is told all that is needed."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import duckdb
import pytest
from click.testing import CliRunner
from e2e.identifiers import found_in

from orchestration.__main__ import main
from orchestration.assets.raw import raw_assets
from orchestration.automation import build_sensors
from orchestration.instance import open_instance
from orchestration.redaction import redact_errors, take_last_error
from orchestration.resources import RegistrySettings
from registry import ingest
from registry.cli.main import main as cli
from registry.config.settings import Settings, load_settings
from registry.errors import UserError
from registry.operations.error_reports import ProgramFault, redact, redacted_traceback
from registry.system import lock

PATIENT = "ROSSI-MARIO-1971"
FILE = f"patients_{PATIENT}.parquet"


def deliver_damaged(home: Path) -> None:
    folder = home / "deliveries" / "udine" / "2025-03"
    folder.mkdir(parents=True)
    (folder / FILE).write_bytes(b"not parquet")


def by_duckdb() -> None:
    # A connection of its own: the module's shared one may still hold a result that another test did not fetch whole.
    with duckdb.connect() as connection:
        connection.sql(f"SELECT CAST('{PATIENT}' AS INTEGER)").fetchall()


def by_python() -> None:
    {}[PATIENT]


def of_a_cause() -> None:
    try:
        by_duckdb()
    except duckdb.Error as error:
        raise ValueError(f"of {PATIENT}") from error


def while_handling() -> None:
    try:
        by_duckdb()
    except duckdb.Error:
        by_python()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    lock.release(load_settings(home=tmp_path))
    take_last_error()


def run(home: Path, *assets: dg.AssetsDefinition) -> dg.Failure:
    """Materialise with this home's own Dagster instance; the failure that it ends in."""
    resources = {"registry_settings": RegistrySettings(home=str(home))}
    with open_instance(load_settings(home=home)) as instance, pytest.raises(dg.Failure) as failure:
        dg.materialize(assets, instance=instance, resources=resources)
    return failure.value


@pytest.mark.parametrize("fault", [by_duckdb, by_python, of_a_cause, while_handling])
def test_an_error_that_quotes_a_patient_leaves_the_vault_without_the_quotation(
    fault: Callable[[], None], home: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)

    @dg.asset
    def crashing(registry_settings: RegistrySettings) -> None:
        with redact_errors(registry_settings, "a step"):
            print(f"printed {PATIENT}")
            fault()

    (home / "vault").mkdir()
    failure = run(home, crashing)
    told = take_last_error()
    assert isinstance(told, ProgramFault)
    assert str(told) == failure.description
    assert "internal error in a step" in str(told)
    assert "test_guard.py" in str(told)
    assert PATIENT not in str(told) + caplog.text + capfd.readouterr().err
    assert found_in(home, {PATIENT}) == set()
    assert any(path.suffix == ".db" for path in (home / "dagster").rglob("*"))
    (whole,) = (home / "vault" / "errors").iterdir()
    assert PATIENT in whole.read_text()
    assert whole.stat().st_mode & 0o077 == 0
    (report,) = (home / "errors").iterdir()
    assert str(report) in str(told)
    assert "test_guard.py" in report.read_text()


def test_a_file_that_cannot_be_read_is_named_to_whoever_refreshes_and_not_to_dagster(home: Path) -> None:
    deliver_damaged(home)
    failure = run(home, *raw_assets)
    told = take_last_error()
    assert isinstance(told, UserError)
    assert FILE in str(told)
    assert "udine/2025-03/…: not a readable Parquet file" in str(failure.description)
    assert found_in(home, {PATIENT}) == set()
    (whole,) = (home / "vault" / "errors").iterdir()
    assert FILE in whole.read_text()
    assert str(whole) in str(failure.description)


def test_the_sensor_says_what_is_wrong_without_a_files_name(home: Path) -> None:
    folder = home / "deliveries" / "udine" / "2025-03"
    folder.mkdir(parents=True)
    (folder / f"{PATIENT}.docx").touch()
    settings = load_settings(home=home)
    (new_delivery,) = [one for one in build_sensors(settings) if one.name == "new_delivery"]
    with open_instance(settings) as instance:
        context = dg.build_sensor_context(instance, resources={"registry_settings": RegistrySettings(home=str(home))})
        tick = new_delivery.evaluate_tick(context)
    assert tick.run_requests == []
    assert "unknown file type" in str(tick.skip_message)
    assert PATIENT not in str(tick.skip_message)


def test_a_fault_of_the_program_fails_the_sensors_tick_and_is_no_reason_to_skip(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fault(_: Settings) -> None:
        raise ValueError(PATIENT)

    monkeypatch.setattr(ingest, "load_profiles", fault)
    settings = load_settings(home=home)
    (new_delivery,) = [one for one in build_sensors(settings) if one.name == "new_delivery"]
    with open_instance(settings) as instance:
        context = dg.build_sensor_context(instance, resources={"registry_settings": RegistrySettings(home=str(home))})
        with pytest.raises(dg.Failure) as caught:
            new_delivery.evaluate_tick(context)
    told = "".join(traceback.format_exception(caught.value))
    assert "internal error in new_delivery (ValueError" in told
    assert PATIENT not in told


@pytest.mark.parametrize(
    ("message", "kept"),
    [
        ("udine/2025-03/lab_ROSSI: MARIO.csv: empty: send it again", "udine/2025-03/…: empty: send it again"),
        ("udine: the folder 'ROSSI's' is no month: rename it", "udine: the folder '…' is no month: rename it"),
        ("udine/2025-03/gone_ROSSI.csv to udine/2025-03/x.csv could not be written", "udine/2025-03/…"),
        ("registry.yml, line 3: unknown key enrolment_begin", "registry.yml, line 3: unknown key enrolment_begin"),
    ],
)  # fmt: skip
def test_what_is_stored_of_a_line_holds_no_name_that_a_site_chose(tmp_path: Path, message: str, kept: str) -> None:
    folder = tmp_path / "deliveries" / "udine" / "2025-03"
    folder.mkdir(parents=True)
    (folder / "lab_ROSSI: MARIO.csv").touch()
    assert redact(load_settings(home=tmp_path), message) == kept


def test_a_report_names_neither_values_nor_folders_of_the_machine() -> None:
    try:
        of_a_cause()
    except ValueError as error:
        report = redacted_traceback(error, "registry trace")
    assert PATIENT not in report
    assert "ConversionException" in report
    assert "ValueError" in report
    assert "tests/e2e/test_guard.py" in report
    assert str(Path(__file__).parent) not in report


def test_the_ui_is_served_on_loopback_alone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []
    monkeypatch.setenv("REGISTRY_HOME", str(home))
    monkeypatch.setattr("registry.build.dbt_project.parsed_project", lambda: None)
    monkeypatch.setattr("os.chdir", lambda _: None)
    monkeypatch.setattr("os.execve", lambda _, command, __: started.append(command))
    assert CliRunner().invoke(main, ["dev", "--port", "3999"]).exit_code == 0
    ((*command,),) = started
    assert command[command.index("-h") + 1] == "127.0.0.1"
    refused = CliRunner().invoke(main, ["dev", "--host", "0.0.0.0"])
    assert refused.exit_code == 2


def test_relative_paths_are_the_callers_for_the_ui_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "study.yml").write_text("study_id: a\n")
    given = {"HOME": "home", "DELIVERIES": "exports", "CONFIG": "study.yml", "KEY_FILE": "secret.key"}
    for name, path in given.items():
        monkeypatch.setenv(f"REGISTRY_{name}", path)
    monkeypatch.setattr("registry.build.dbt_project.parsed_project", lambda: None)
    started: list[dict[str, str]] = []
    monkeypatch.setattr("os.execve", lambda *given: started.append(given[2]))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("os.chdir", lambda _: None)
    assert CliRunner().invoke(main, ["dev"]).exit_code == 0
    (variables,) = started
    assert {name: variables[f"REGISTRY_{name}"] for name in given} == {
        name: str(tmp_path / path) for name, path in given.items()
    }


def test_a_fault_of_a_command_is_one_line_without_a_value(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "vault").mkdir()
    monkeypatch.setattr("registry.operations.status.describe", lambda _: by_duckdb())
    done = CliRunner().invoke(cli, ["status", "--home", str(home)])
    assert done.exit_code == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("error: internal error in registry status (ConversionException in ")
    assert PATIENT not in done.output
    (report,) = (home / "errors").iterdir()
    assert str(report) in done.stderr
    assert found_in(home, {PATIENT}) == set()
