"""The key: given, backed up, restored and rotated; never half, never a wrong one, never seen by others."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from delivered import Home

from registry.build.fingerprint import build_generation
from registry.cli.main import main
from registry.errors import UserError
from registry.paths import CHECKOUT
from registry.vault.apply_tombstones import apply_tombstones
from registry.vault.keys import ensure_keys, next_file
from registry.vault.pseudonyms import file_id, key_id, patient_key, site_salt

GIVEN = "5e" * 32


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Two patients of two sites, loaded."""
    home = Home(tmp_path / "home")
    home.deliver("udine/2025-01/patients.csv", "patient_id,sex\nP1,F\nP2,M\n")
    home.deliver("trieste/2025-01/patients.csv", "patient_id,sex\nP1,F\n")
    home.load("patients")
    return home


def run(*arguments: object, text: str | None = None) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], input=text)


def pseudonyms(home: Home) -> dict[tuple[str, str], str]:
    return {
        (site, patient): key
        for site, patient, key in home.query("SELECT site, patient_id, patient_key FROM patient_map")
    }


def all_of_one_key(home: Home) -> None:
    """Every pseudonym, file id and salt of the vault is of the key in force."""
    key = ensure_keys(home.settings).pseudonym
    for (site, patient), pseudonym in pseudonyms(home).items():
        assert pseudonym == patient_key(key, site, patient)
    for name, *place in home.query("SELECT file_id, site, delivery, entity, path, sha256 FROM input_file"):
        assert name == file_id(key, *place)
    assert all(salt == site_salt(key, site) for site, salt in home.query("SELECT site, salt FROM site_salt"))


def test_a_key_of_ones_own_making_is_taken_before_the_first_load(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.folder.mkdir()
    own = tmp_path / "own.key"
    own.write_text(GIVEN)
    assert run("key", "restore", own, "--home", home.folder).exit_code == 0
    assert ensure_keys(home.settings).pseudonym.hex() == GIVEN
    assert home.settings.key_file.stat().st_mode & 0o777 == 0o600


def test_a_key_can_stand_outside_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home(tmp_path / "home")
    secret = tmp_path / "secret" / "registry.key"
    monkeypatch.setenv("REGISTRY_KEY_FILE", str(secret))
    with pytest.raises(UserError, match="REGISTRY_KEY_FILE can't be read"):
        ensure_keys(home.settings)
    secret.parent.mkdir()
    secret.write_text(GIVEN)
    secret.chmod(0o640)
    with pytest.raises(UserError, match="other users can read the key"):
        ensure_keys(home.settings)
    secret.chmod(0o400)
    home.deliver("udine/2025-01/patients.csv", "patient_id,sex\nP1,F\n")
    home.load("patients")
    assert pseudonyms(home) == {("udine", "P1"): patient_key(bytes.fromhex(GIVEN), "udine", "P1")}
    assert list(home.settings.vault.glob("*.key")) == []


def test_a_backup_brings_a_lost_key_back(home: Home, tmp_path: Path) -> None:
    before = home.settings.key_file.read_text().split()
    backup = tmp_path / "backup.key"
    said = run("key", "backup", backup, "--home", home.folder).output
    assert key_id(bytes.fromhex(before[0])) in said
    assert before[0] not in said
    assert backup.stat().st_mode & 0o777 == 0o600
    home.settings.key_file.unlink()
    assert run("key", "check", "--home", home.folder).exit_code == 2
    assert run("key", "restore", backup, "--home", home.folder).exit_code == 0
    assert run("key", "check", "--home", home.folder).exit_code == 0
    all_of_one_key(home)


def test_a_backup_is_never_written_over_another_or_into_the_home(home: Home, tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("x")
    for target, told in ((taken, "exists already"), (home.folder / "copy.key", "is inside the home")):
        done = run("key", "backup", target, "--home", home.folder)
        assert (done.exit_code, told in " ".join(done.output.split())) == (2, True)
    assert taken.read_text() == "x"


def test_another_key_than_the_vaults_is_refused_by_every_way(home: Home, tmp_path: Path) -> None:
    other = tmp_path / "other.key"
    other.write_text(GIVEN)
    kept = home.settings.key_file.read_bytes()
    assert run("key", "restore", other, "--home", home.folder).exit_code == 2
    assert home.settings.key_file.read_bytes() == kept
    home.settings.key_file.write_text(GIVEN)
    with pytest.raises(UserError, match="is not the key that this vault was loaded with"):
        home.load("patients")
    for command in (("key", "check"), ("key", "rotate", "--yes"), ("forget", "udine/P1", "--yes")):
        assert run(*command, "--home", home.folder).exit_code == 2
    home.settings.key_file.write_bytes(kept)
    all_of_one_key(home)


def test_a_rotation_renames_every_patient_and_has_all_built_anew(home: Home) -> None:
    before, generation = pseudonyms(home), build_generation(home.settings, {})
    done = run("key", "rotate", "--yes", "--home", home.folder)
    assert done.exit_code == 0, done.output
    assert "3 patients" in done.output
    after = pseudonyms(home)
    assert after.keys() == before.keys()
    assert not set(after.values()) & set(before.values())
    assert build_generation(home.settings, {}) != generation
    all_of_one_key(home)
    held = home.settings.raw_db.read_bytes()
    assert not any(pseudonym.encode() in held for pseudonym in before.values())
    assert home.load("patients").n_files_new == 0, "no file is read again"


def test_who_was_forgotten_stays_forgotten_after_rotations(home: Home) -> None:
    assert run("forget", "udine/P1", "--yes", "--home", home.folder).exit_code == 0
    for _ in range(2):
        assert run("key", "rotate", "--yes", "--home", home.folder).exit_code == 0
    home.deliver("udine/2025-02/patients.csv", "patient_id,sex\nP1,F\nP3,M\n")
    home.load("patients")
    assert pseudonyms(home).keys() == {("udine", "P2"), ("udine", "P3"), ("trieste", "P1")}
    all_of_one_key(home)


def test_without_key_and_backup_the_patients_can_be_renamed_but_tombstones_are_lost(home: Home) -> None:
    assert run("forget", "udine/P1", "--yes", "--home", home.folder).exit_code == 0
    assert run("key", "rotate", "--lost", "--yes", "--home", home.folder).exit_code == 2, "it is not lost"
    home.settings.key_file.unlink()
    assert run("key", "rotate", "--yes", "--home", home.folder).exit_code == 2
    done = run("key", "rotate", "--lost", "--yes", "--home", home.folder)
    assert (done.exit_code, "repeat them after the patients are delivered again" in done.output) == (0, True)
    all_of_one_key(home)
    home.deliver("udine/2025-02/patients.csv", "patient_id,sex\nP1,F\n")
    home.load("patients")
    assert ("udine", "P1") in pseudonyms(home)


def test_a_restored_key_that_does_not_know_the_tombstones_stops_the_load(home: Home) -> None:
    assert run("forget", "udine/P1", "--yes", "--home", home.folder).exit_code == 0
    assert run("key", "rotate", "--yes", "--home", home.folder).exit_code == 0
    first_line = home.settings.key_file.read_text().split()[0]
    home.settings.key_file.write_text(first_line)
    with pytest.raises(UserError, match="forgotten patients would come back"):
        home.load("patients")


KILLED = """
import os, signal, sys
from pkgutil import resolve_name
from registry.cli.main import main
module, _, name = sys.argv[1].rpartition(".")
setattr(resolve_name(module), name, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
main(["key", "rotate", "--yes", "--home", sys.argv[2]])
"""
KILLED_AT = {
    "no pseudonym is renamed": ("registry.vault.rotation._rename", False),
    "pseudonyms are new, the key file is not": ("pathlib.Path.replace", True),
    "the old pseudonyms stand in freed pages": ("registry.vault.rotation.compact", True),
}


@pytest.mark.parametrize(("killed_at", "is_new"), KILLED_AT.values(), ids=KILLED_AT)
def test_a_rotation_that_was_killed_leaves_one_key_in_force(home: Home, killed_at: str, is_new: bool) -> None:
    before = pseudonyms(home)
    killed = subprocess.run([sys.executable, "-c", KILLED, killed_at, str(home.folder)], cwd=CHECKOUT, check=False)
    assert killed.returncode == -signal.SIGKILL
    apply_tombstones(home.settings)
    assert not next_file(home.settings).exists()
    assert (set(before.values()) != set(pseudonyms(home).values())) == is_new
    all_of_one_key(home)
    held = home.settings.raw_db.read_bytes()
    assert any(pseudonym.encode() in held for pseudonym in before.values()) != is_new


def test_nothing_is_renamed_unless_it_is_confirmed(home: Home) -> None:
    before = home.settings.key_file.read_bytes()
    assert run("key", "rotate", "--home", home.folder, text="n\n").exit_code == 2
    assert home.settings.key_file.read_bytes() == before
