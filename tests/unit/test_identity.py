"""The vault and the pseudonyms: private from the first byte, stable for ever, nothing to guess back."""

from __future__ import annotations

import hashlib
import hmac
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from delivered import LAB_HEADER, LARGE, Home

from registry.errors import UserError
from registry.vault import pseudonyms
from registry.vault.database import connect_vault
from registry.vault.keys import ensure_key

PLACE = "udine/2024-01/lab_results.csv"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_key_is_made_once_and_readable_by_its_owner_alone(home: Home) -> None:
    key = ensure_key(home.settings)
    assert len(key) == 32
    assert ensure_key(home.settings) == key
    assert mode(home.settings.key_file) == 0o600
    assert mode(home.settings.vault) == 0o700
    assert key.hex() not in pseudonyms.key_id(key)
    assert pseudonyms.key_id(key) == pseudonyms.key_id(key)


def test_a_lost_key_is_never_replaced_silently(home: Home) -> None:
    home.deliver(PLACE, f"{LAB_HEADER}\nr1,P1,c,1,u,d\n")
    home.load()
    home.settings.key_file.unlink()
    with pytest.raises(UserError, match="restore it from a backup"):
        ensure_key(home.settings)


def test_a_file_that_is_no_key_is_refused(home: Home) -> None:
    ensure_key(home.settings)
    home.settings.key_file.write_text("not a key")
    with pytest.raises(UserError, match="is not a valid pseudonym key"):
        ensure_key(home.settings)


def test_everything_in_the_vault_is_private_while_it_is_written(home: Home) -> None:
    before = os.umask(0o022)
    try:
        with connect_vault(home.settings) as connection:
            connection.execute("CREATE TABLE t AS SELECT range FROM range(10)")
            files = [path for path in home.settings.vault.rglob("*") if path.is_file()]
            assert any(path.suffix == ".wal" for path in files)
            assert {mode(path) for path in files} == {0o600}
            assert {mode(path) for path in home.settings.vault.rglob("*") if path.is_dir()} == {0o700}
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(before)


def test_a_vault_left_open_to_others_is_closed(home: Home) -> None:
    ensure_key(home.settings)
    home.settings.vault.chmod(0o755)
    home.settings.key_file.chmod(0o644)
    ensure_key(home.settings)
    assert (mode(home.settings.vault), mode(home.settings.key_file)) == (0o700, 0o600)


def test_pseudonyms_are_keyed_by_site_and_patient(home: Home) -> None:
    key = ensure_key(home.settings)
    expected = hmac.new(key, b"udine\x1fP1", hashlib.sha256).hexdigest()
    assert pseudonyms.patient_key(key, "udine", "P1") == expected
    assert pseudonyms.patient_key(key, "trieste", "P1") != expected
    assert (
        pseudonyms.file_id(key, "udine", "2024-01", "patients", "patients.csv", "00")
        == hmac.new(key, b"file|udine|2024-01|patients.csv|00", hashlib.sha256).hexdigest()[:16]
    )


@pytest.mark.parametrize("small_file", [2**20, LARGE])
def test_every_patient_of_every_entity_is_mapped_once_without_blanks(home: Home, small_file: int) -> None:
    home.deliver(PLACE, f"{LAB_HEADER}\nr1, P1\t,c,1,u,d\nr2,P1,c,1,u,d\nr3, ,c,1,u,d\nr4,\u00a0P2,c,1,u,d\nbroken\n")
    home.deliver("udine/2024-01/patients.csv", "patient_id,sex\nP1,F\nP3,M\n")
    home.deliver("trieste/2024-01/patients.csv", "patient_id,sex\nP1,F\n")
    for entity in ("lab_results", "patients", "lab_results"):
        home.load(entity, small_file=small_file)
    rows = home.query("SELECT patient_no, site, patient_id, patient_key FROM main.patient_map ORDER BY patient_no")
    assert sorted(row[1:3] for row in rows) == [("trieste", "P1"), ("udine", "P1"), ("udine", "P2"), ("udine", "P3")]
    assert [row[0] for row in rows] == [1, 2, 3, 4]
    key = ensure_key(home.settings)
    assert all(row[3] == pseudonyms.patient_key(key, row[1], row[2]) for row in rows)
    assert sorted(home.query("SELECT site, salt FROM main.site_salt")) == [
        (site, pseudonyms.site_salt(key, site)) for site in ("trieste", "udine")
    ]


def test_a_vault_that_another_process_writes_is_said_with_its_number(home: Home) -> None:
    ensure_key(home.settings)
    with connect_vault(home.settings):
        pass
    code = (
        "import sys; from registry.config.settings import load_settings\n"
        "from registry.vault.database import connect_vault\n"
        "with connect_vault(load_settings(home=sys.argv[1])): print('open', flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(home.folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(UserError, match=f"is in use by process {other.pid}"), connect_vault(home.settings):
            pass
    finally:
        other.communicate()


def test_a_vault_that_is_not_there_yet_says_what_to_run(home: Home) -> None:
    with (
        pytest.raises(UserError, match="run registry refresh"),
        connect_vault(home.settings, read_only=True),
    ):
        pass
