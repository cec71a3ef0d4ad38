"""A home remembers the deliveries folder and the study settings of its last refresh, and every command finds them."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import pytest
from click.testing import CliRunner
from integration.plan_runs import DOSES, PATIENTS, RESULTS, Registry

from orchestration.resources import RegistrySettings
from registry import refresh
from registry.cli.main import main
from registry.config.settings import Settings, load_settings
from registry.errors import UserError
from registry.operations.doctor import deliveries as doctor
from registry.system import lock


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty home with a key."""
    # a refresh in this process, by another test, may have turned it off
    monkeypatch.setattr(logging.getLogger("registry"), "propagate", True)
    registry = Registry(tmp_path / "home", Mock())
    yield registry.home
    lock.release(load_settings(home=registry.home, for_reading=True))


def exports(folder: Path, study_id: str = "") -> Path:
    """A folder with one month of one site, and with a registry.yml if its study has an id."""
    month = folder / "udine" / "2025-01"
    month.mkdir(parents=True)
    (month / "patients.csv").write_text(PATIENTS)
    (month / "administrations.csv").write_text(DOSES)
    (month / "lab_results.csv").write_text(RESULTS.format(month="2025-01", anc=0.7))
    if study_id:
        (folder / "registry.yml").write_text(f"study_id: {study_id}\n")
    return folder


def begin(settings: Settings, *, accept_missing: bool = False) -> None:
    """Begin a refresh: its first step alone."""
    refresh.make_plan(settings, "a refresh", accept_missing=accept_missing)


def test_every_command_finds_the_folder_of_the_last_refresh(home: Path, tmp_path: Path) -> None:
    folder = exports(tmp_path / "exports", "far")
    begin(load_settings(home=home, deliveries=folder))
    for settings in (
        load_settings(home=home),
        load_settings(home=home, for_reading=True),
        RegistrySettings(home=str(home)).load(),
        RegistrySettings(home=str(home)).places(),
    ):
        assert settings.deliveries == folder
    assert load_settings(home=home).study.study_id == "far"
    shown = CliRunner().invoke(main, ["status", "--home", str(home)])
    assert f"{folder}\ndelivered             3 files of 1 site" in shown.output


def test_an_option_or_variable_wins_over_what_is_remembered_and_that_over_the_default(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exports(home / "deliveries")
    folder, other = exports(tmp_path / "exports"), tmp_path / "other"
    begin(load_settings(home=home, deliveries=folder))
    assert load_settings(home=home).deliveries == folder
    assert load_settings(home=home, deliveries=home / "deliveries").deliveries == home / "deliveries"
    monkeypatch.setenv("REGISTRY_DELIVERIES", str(other))
    assert load_settings(home=home).deliveries == other


def test_the_study_settings_are_remembered_too(home: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder, own = exports(tmp_path / "exports", "beside"), tmp_path / "own.yml"
    own.write_text("study_id: own\n")
    begin(load_settings(home=home, deliveries=folder, config=own))
    caplog.clear()
    with caplog.at_level(logging.WARNING, "registry"):
        begin(load_settings(home=home))
    assert load_settings(home=home).study.study_id == "own"
    assert [one.message for one in caplog.records] == [
        f"study settings are read from {own}; {folder / 'registry.yml'} is not used"
    ]
    own.unlink()
    with pytest.raises(UserError, match=r"own\.yml: the study settings of the last refresh are gone: restore them"):
        load_settings(home=home)
    assert load_settings(home=home, config=folder / "registry.yml").study.study_id == "beside"
    begin(load_settings(home=home, accept_missing=True), accept_missing=True)
    assert load_settings(home=home).study.study_id == "beside"


def test_a_refresh_that_reads_another_folder_says_so_in_one_line(
    home: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = exports(tmp_path / "first"), exports(tmp_path / "second")
    with caplog.at_level(logging.WARNING, "registry"):
        for folder in (first, first, second, first):
            begin(load_settings(home=home, deliveries=folder))
    assert [one.message for one in caplog.records] == [
        f"deliveries are read from {second}; the last refresh read {first}",
        f"deliveries are read from {first}; the last refresh read {second}",
    ]


def test_a_command_that_only_looks_elsewhere_changes_nothing(home: Path, tmp_path: Path) -> None:
    folder = exports(tmp_path / "exports")
    begin(load_settings(home=home, deliveries=folder))
    CliRunner().invoke(main, ["status", "--home", str(home), "--deliveries", str(exports(tmp_path / "other"))])
    assert load_settings(home=home).deliveries == folder


def test_a_remembered_folder_that_is_gone_is_named_and_no_other_is_read(home: Path, tmp_path: Path) -> None:
    exports(home / "deliveries")
    folder = exports(tmp_path / "exports")
    begin(load_settings(home=home, deliveries=folder))
    shutil.rmtree(folder)
    said = f"{folder}: no such folder, although the last refresh read it: is the share mounted?"
    done = CliRunner().invoke(main, ["refresh", "--home", str(home)])
    assert (done.exit_code, done.output.count("\n"), said in done.output) == (2, 1, True), done.output
    assert said in CliRunner().invoke(main, ["status", "--home", str(home)]).output
    assert [(one.level, said in one.text) for one in doctor.deliveries(load_settings(home=home))] == [("wrong", True)]


def test_settings_that_the_new_folder_lacks_are_named_where_they_were(home: Path, tmp_path: Path) -> None:
    first, second = exports(tmp_path / "first", "study"), exports(tmp_path / "second")
    begin(load_settings(home=home, deliveries=first))
    with pytest.raises(UserError) as refused:
        begin(load_settings(home=home, deliveries=second))
    said = f"{first / 'registry.yml'} was read by the last refresh and is not in {second}"
    assert str(refused.value).startswith(said)
    assert load_settings(home=home).deliveries == first, "a refused refresh read nothing"


def test_what_is_in_the_home_moves_with_it(home: Path, tmp_path: Path) -> None:
    begin(load_settings(home=home, deliveries=exports(home / "from the sites")))
    lock.release(load_settings(home=home))
    moved = home.rename(tmp_path / "moved")
    assert load_settings(home=moved).deliveries == moved / "from the sites"


def test_a_home_of_an_earlier_version_has_the_default_until_its_next_refresh(home: Path, tmp_path: Path) -> None:
    folder = exports(tmp_path / "exports")
    begin(load_settings(home=home, deliveries=folder))
    (home / "inputs.json").unlink()
    assert load_settings(home=home).deliveries == home / "deliveries"
    begin(load_settings(home=home, deliveries=folder))
    assert json.loads((home / "inputs.json").read_text()) == {"deliveries": str(folder), "config": None}


def test_a_damaged_record_is_an_error_except_to_readers_of_releases(home: Path) -> None:
    (home / "inputs.json").write_text('{"deliveries": ')
    (home / "inputs.tmp").write_text("of a refresh that was killed")
    with pytest.raises(UserError, match=r"inputs\.json is damaged: remove it, then name the folder"):
        load_settings(home=home)
    assert load_settings(home=home, for_reading=True).deliveries == home / "deliveries"
    (home / "inputs.json").unlink()
    begin(load_settings(home=home, deliveries=exports(home / "deliveries")))
    assert not (home / "inputs.tmp").exists()


def test_a_demo_does_not_write_into_the_folder_of_a_real_registry(home: Path, tmp_path: Path) -> None:
    folder = exports(tmp_path / "exports")
    settings = load_settings(home=home, deliveries=folder)
    begin(settings)
    refresh.load_entity(refresh.load_plan(settings), "patients")
    lock.release(settings)
    shutil.rmtree(folder)
    folder.mkdir()
    done = CliRunner().invoke(main, ["demo", "--home", str(home)])
    assert (done.exit_code, list(folder.iterdir())) == (2, []), done.output
    assert "contains real patients" in done.output
