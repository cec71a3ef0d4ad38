"""registry doctor: a sound registry has nothing to mend; each thing that is wrong is named with its remedy."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from integration.synthetic_warehouse import build

from expectations import Audit, CheckResult
from registry import ingest, release
from registry.cli.main import main
from registry.config.input_contract import ENTITIES
from registry.config.settings import Settings, load_settings
from registry.curation import retraction
from registry.operations import doctor
from registry.operations.doctor import releases
from registry.release import gate_record
from registry.system import event_log, lock
from registry.vault.database import connect_vault
from registry.vault.keys import next_file

REFUSED = CheckResult(
    "anc_possible", "main.fct_anc", "critical", passed=False, n_unexpected=7, n_rows=90,
    detail="", description="An ANC can't be that high.", source="domain",
)  # fmt: skip


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a loaded file and a release."""
    home = tmp_path_factory.mktemp("sound")
    delivery = home / "deliveries" / "udine" / "2024-03"
    delivery.mkdir(parents=True)
    (delivery / "patients.csv").write_text("patient_id,sex\nP1,F\nP2,M\n")
    (delivery.parent / "site.yml").write_text("mode: delta\n")
    settings = load_settings(home=home)
    files = ingest.discover(settings)
    ingest.write_config(settings, ingest.load_profiles(settings))
    for entity in ENTITIES:
        ingest.load_entity(settings, entity, files)
    build(settings.warehouse)
    settings.warehouse.chmod(0o600)
    release.publish(settings, "a1" * 32)
    shutil.rmtree(settings.temp)
    return home


@pytest.fixture
def settings(sound: Path, tmp_path: Path) -> Settings:
    return load_settings(home=shutil.copytree(sound, tmp_path / "home", symlinks=True))


def run(settings: Settings) -> Result:
    return CliRunner().invoke(main, ["doctor", "--home", str(settings.home)])


def test_a_sound_registry_has_nothing_to_mend(settings: Settings) -> None:
    done = run(settings)
    assert done.exit_code == 0, done.output
    found = list(doctor.examine(settings))
    assert {finding.subject for finding in found} == {subject for subject, _ in doctor.CHECKS}
    assert [finding for finding in found if finding.level == "wrong"] == []
    assert len(done.output.splitlines()) == len(found), "one line each"


def test_an_empty_home_has_nothing_to_mend_but_its_deliveries(tmp_path: Path) -> None:
    home = tmp_path / "nothing"
    done = CliRunner().invoke(main, ["doctor", "--home", str(home)])
    assert done.exit_code == 2
    wrong = [line for line in done.output.splitlines() if line.startswith("wrong")]
    assert len(wrong) == 1
    assert "no such folder" in wrong[0]
    assert not home.exists(), "it only looks"


def _current(settings: Settings) -> Path:
    return settings.releases / "current"


def _newer_profile(settings: Settings) -> None:
    path = settings.deliveries / "udine" / "site.yml"
    later = datetime.now(UTC).timestamp() + 60
    os.utime(path, (later, later))


def _change_release(settings: Settings) -> None:
    path = _current(settings).resolve() / "data_dictionary.md"
    path.chmod(0o640)
    path.write_text("changed")


def _unpurged(settings: Settings) -> None:
    with connect_vault(settings) as connection:
        connection.execute("INSERT INTO main.not_yet_purged VALUES (1)")


def _misnamed(settings: Settings) -> None:
    (settings.deliveries / "udine" / "2024-03" / "pazienti.csv").write_text("x\n")


def _unloaded(settings: Settings) -> None:
    (settings.deliveries / "udine" / "2024-03" / "lab_results.csv").write_text("x\n")


def _future(settings: Settings) -> None:
    path = settings.deliveries / "udine" / "2099-01" / "patients.csv"
    path.parent.mkdir()
    path.write_text("patient_id,sex\nP1,F\n")


def _future_loaded(settings: Settings) -> None:
    with connect_vault(settings) as connection:
        connection.execute("UPDATE main.input_file SET delivery = '2099-01'")


def _retracted(settings: Settings) -> None:
    retraction.retract(settings, retraction.find(settings, retraction.parse("udine/2024-03")))


def _left_candidate(settings: Settings) -> None:
    (settings.releases / ".candidate-1").mkdir()


def _no_mode(settings: Settings) -> None:
    (settings.deliveries / "udine" / "site.yml").write_text("mod: delta\n")


def _wrong_key(settings: Settings) -> None:
    settings.key_file.write_text("5e" * 32)


def _refused(settings: Settings) -> None:
    gate_record.record(settings, "x", "y", "refused", Audit((REFUSED,)))


FAULTS: dict[str, tuple[Callable[[Settings], object], str, str, str]] = {
    "vault open": (lambda s: s.vault.chmod(0o755), "access", "wrong", "chmod 700"),
    "rows open": (lambda s: s.raw_db.chmod(0o644), "access", "wrong", "chmod 600"),
    "build file open": (lambda s: s.warehouse.chmod(0o644), "access", "wrong", "chmod 600"),
    "key lost": (lambda s: s.key_file.unlink(), "key", "wrong", "registry key restore"),
    "no key": (lambda s: s.key_file.write_text("?"), "key", "wrong", "is not a valid pseudonym key"),
    "wrong key": (_wrong_key, "key", "wrong", "is not the key of this vault"),
    "rotation cut off": (lambda s: next_file(s).write_text("5e" * 32), "key", "wrong", "rotation"),
    "erasure cut off": (_unpurged, "key", "wrong", "not fully erased"),
    "holder died": (
        lambda s: s.lock_file.with_suffix(".holder.json").write_text(json.dumps({"by": "a test", "pid": 1})),
        "locks", "notice", "a test, process 1",
    ),
    "half a release": (_left_candidate, "left-overs", "notice", ".candidate-1"),
    "trial of the disk cut off": (lambda s: (s.home / ".trial-x").mkdir(), "left-overs", "notice", ".trial-x"),
    "spilled rows": (lambda s: (s.vault_temp / "load-x").mkdir(), "left-overs", "notice", "load-x"),
    "file that can't be placed": (_misnamed, "deliveries", "wrong", "its name gives no entity"),
    "month to come": (_future, "deliveries", "wrong", "udine/2099-01: later than this month"),
    "month to come, loaded": (_future_loaded, "places", "notice", "registry retract udine/2099-01"),
    "month retracted": (_retracted, "places", "notice", "1 place retracted"),
    "file not loaded": (_unloaded, "deliveries", "notice", "1 file of 2 not loaded yet"),
    "file gone": (
        lambda s: (s.deliveries / "udine" / "2024-03" / "patients.csv").unlink(), "ledger", "notice", "udine/2024-03",
    ),
    "typo in site.yml": (_no_mode, "settings", "wrong", "mod"),
    "site.yml not read yet": (_newer_profile, "settings", "notice", "changed since the last refresh"),
    "hidden site.yml": (
        lambda s: (s.deliveries / "udine" / ".site.yml").write_text(""), "settings", "notice", "is hidden and not read",
    ),
    "link broken": (lambda s: shutil.rmtree(_current(s).resolve()), "release", "wrong", "points to a missing folder"),
    "release changed": (_change_release, "checksums", "wrong", "data_dictionary.md"),
    "gate refused": (_refused, "gate", "wrong", "anc_possible"),
    "gate's record torn": (lambda s: gate_record.path_of(s).write_text("{"), "gate", "wrong", "can't be read"),
}  # fmt: skip


@pytest.mark.parametrize(("harm", "subject", "level", "told"), FAULTS.values(), ids=FAULTS)
def test_what_is_wrong_is_named(
    settings: Settings, harm: Callable[[Settings], object], subject: str, level: str, told: str
) -> None:
    harm(settings)
    found = [finding for finding in doctor.examine(settings) if finding.subject == subject]
    assert [level for finding in found if told in finding.text] == [found[0].level], found
    if level == "wrong":
        assert run(settings).exit_code == 2


BY_DAGSTER = {"by": "Dagster run 1a2b3c4d", "pid": 77, "since": "2024-05-03T06:00:01+00:00"}


@pytest.mark.parametrize(
    ("ended", "level"),
    [
        ({"at": "2024-05-03T06:00:40.123+00:00", "run": "1a2b3c4d-5e6f", "process": 99}, "ok"),
        ({"at": "2024-05-03T06:00:40.123+00:00", "run": "another", "process": 77}, "ok"),
        ({"at": "2024-05-03T06:00:01.900+00:00", "run": "1a2b3c4d-5e6f", "process": 77, "exit_code": 3}, "ok"),
        ({"at": "2024-05-03T06:00:40.123+00:00", "run": "another", "process": 99}, "notice"),
        ({"at": "2024-05-03T05:59:59.000+00:00", "run": "another", "process": 77}, "notice"),
        ({"at": "2024-05-03T06:00:40.123+00:00", "run": "1a2b3c4d-5e6f", "event": "refresh_started"}, "notice"),
    ],
    ids=["its run", "its process", "a refusal", "another's end", "an end before", "its beginning"],
)
def test_a_run_that_ended_by_its_journal_did_not_die(
    settings: Settings, ended: dict[str, object], level: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.lock_file.touch()
    settings.lock_file.with_suffix(".holder.json").write_text(json.dumps(BY_DAGSTER))
    monkeypatch.setattr(event_log, "entries", lambda _: [{"event": "refresh_ended", **ended}])
    (finding,) = [finding for finding in doctor.examine(settings) if finding.subject == "locks"]
    assert finding.level == level, finding.text


def test_a_disk_that_lacks_something_is_named_and_one_that_is_busy_is_not_tried(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "symlink", refuse)
    assert "its disk has no symbolic links" in run(settings).output
    monkeypatch.setattr(lock, "is_held", lambda _: True)
    assert "symbolic links" not in run(settings).output


def test_status_says_the_same_of_months_to_come_and_of_what_is_retracted(settings: Settings) -> None:
    def status() -> Result:
        return CliRunner().invoke(main, ["status", "--home", str(settings.home)])

    _retracted(settings)
    assert "1 place; to list them: registry retract --list" in status().output
    _future_loaded(settings)
    assert "registry retract udine/2099-01" in status().output, "another place than the retracted one"
    with connect_vault(settings) as connection:
        connection.execute("UPDATE main.input_file SET delivery = '2024-03'")
    _future(settings)
    done = status()
    assert done.exit_code == 2
    assert "current release       2" in done.output, "what can be shown is shown"
    assert "later than this month" in done.output.splitlines()[-1]


def _tear_manifest(settings: Settings) -> None:
    path = _current(settings).resolve() / "manifest.json"
    path.chmod(0o640)
    path.write_text("{")


def _copy_for_link(settings: Settings) -> None:
    folder = _current(settings).resolve()
    _current(settings).unlink()
    shutil.copytree(folder, _current(settings))


@pytest.mark.parametrize(
    "harm",
    [
        _tear_manifest,
        _copy_for_link,
        lambda s: shutil.rmtree(_current(s).resolve()),
        lambda s: gate_record.path_of(s).write_text("{"),
        _no_mode,
    ],
    ids=["manifest torn", "link copied", "release gone", "gate's record torn", "typo in site.yml"],
)
def test_one_damage_is_told_once(settings: Settings, harm: Callable[[Settings], object]) -> None:
    harm(settings)
    assert len([finding for finding in doctor.examine(settings) if finding.level == "wrong"]) == 1


@pytest.mark.parametrize(
    ("now", "due"),
    [
        ("2025-05-03 05:00", "2025-04-03 04:00"),
        ("2025-05-04 03:59", "2025-04-03 04:00"),  # a day's grace
        ("2025-05-04 04:00", "2025-05-03 04:00"),
        ("2025-01-02 12:00", "2024-12-03 05:00"),
    ],
)
def test_a_refresh_is_due_on_the_third_at_six_in_the_studys_time_zone(now: str, due: str) -> None:
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert f"{releases.last_due(moment, 'Europe/Rome').astimezone(UTC):%Y-%m-%d %H:%M}" == due


def test_an_overdue_refresh_is_told_until_one_confirms(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(releases, "last_due", lambda *_: datetime(2200, 1, 3, tzinfo=UTC))
    (finding,) = releases.last_refresh(settings)
    assert (finding.level, "registry refresh" in finding.text) == ("wrong", True)
    monkeypatch.setattr(event_log, "entries", lambda _: [
        {"at": "2200-01-04T00:00:00+00:00", "event": "refresh_ended", "exit_code": 0}
    ])  # fmt: skip
    (finding,) = releases.last_refresh(settings)
    assert finding.level == "ok"


LISTENING = """
import socket, sys
server = socket.create_server((sys.argv[2], 0))
print(server.getsockname()[1], flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize(("address", "level"), [("127.0.0.1", "ok"), ("0.0.0.0", "wrong")])
def test_a_dagster_that_others_can_reach_is_named(settings: Settings, address: str, level: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", LISTENING, "dagster-webserver", address], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        port = process.stdout.readline().decode().strip()
        (finding,) = [finding for finding in doctor.examine(settings) if finding.subject == "ui"]
        assert finding.level == level
        assert (port in finding.text) == (level == "wrong")
    finally:
        process.communicate()
