"""A registry is lost and comes back from its backup on another machine; a patient withdraws from it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import duckdb
import pytest
from e2e.conftest import digest, run_registry
from faults.driver import run
from integration.compiled_project import compiled_project

from registry import release
from registry.config.settings import load_settings
from registry.release.content import contents
from registry.vault.database import connect_vault

pytestmark = pytest.mark.xdist_group("demo")


@pytest.fixture(scope="module")
def restored(demo_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's registry after its machine was lost: the vault from one backup, the key from another."""
    backup = tmp_path_factory.mktemp("backup")
    lost = Path(shutil.copytree(demo_home, tmp_path_factory.mktemp("lost") / "home", symlinks=True))
    tar = ["tar", "-C", str(lost), "--exclude=vault/pseudonym.key", "--exclude=vault/tmp", "-czf"]
    subprocess.run([*tar, str(backup / "vault.tar.gz"), "vault"], check=True)
    assert run_registry("key", "backup", backup / "pseudonym.key", "--home", lost).returncode == 0
    exports = shutil.copytree(lost / "deliveries", backup / "deliveries")
    shutil.rmtree(lost)

    home = tmp_path_factory.mktemp("new-machine") / "home"
    home.mkdir()
    subprocess.run(["tar", "-C", str(home), "-xzf", str(backup / "vault.tar.gz")], check=True)
    shutil.copytree(exports, home / "deliveries")
    assert run_registry("doctor", "--home", home).returncode == 2, "the key is missing"
    done = run_registry("key", "restore", backup / "pseudonym.key", "--home", home)
    assert done.returncode == 0, done.stderr
    assert run(home, compiled_project()) == "published"
    return home


def test_what_comes_back_from_the_backup_is_what_was_lost(demo_home: Path, restored: Path) -> None:
    before, after = (release.current(load_settings(home=home)) for home in (demo_home, restored))
    assert before is not None
    assert after is not None
    assert after.content_hashes == before.content_hashes
    assert after.release_id == before.release_id
    settings = load_settings(home=restored)
    assert {path.stat().st_mode & 0o777 for path in settings.vault.iterdir() if path.is_file()} == {0o600}
    assert run_registry("doctor", "--home", restored).returncode == 0


def test_a_patient_who_withdraws_is_in_no_release_from_the_next_refresh_on(restored: Path) -> None:
    settings = load_settings(home=restored)
    old = release.current(settings)
    assert old is not None
    bytes_before = digest(old.path)
    with duckdb.connect(str(old.database), read_only=True) as connection:
        (pseudonym,) = connection.execute("SELECT min(patient_key) FROM mart_case_listing").fetchone() or ("",)
    with connect_vault(settings, read_only=True) as connection:
        site, patient_id = connection.execute(
            "SELECT site, patient_id FROM patient_map WHERE patient_key = ?", [pseudonym]
        ).fetchone() or ("", "")
    done = run_registry("forget", f"{site}/{patient_id}", "--yes", "--home", restored)
    assert done.returncode == 0, done.stderr
    assert old.release_id in done.stdout
    assert patient_id not in done.stdout + done.stderr
    assert run(restored, compiled_project()) == "published"

    new = release.current(settings)
    assert new is not None
    assert new.release_id != old.release_id
    assert digest(old.path) == bytes_before
    with duckdb.connect(str(new.database), read_only=True) as connection:
        for table in contents(new.database):
            rows = connection.execute(f"SELECT CAST(t AS VARCHAR) FROM {table} AS t").fetchall()
            assert not any(pseudonym in row[0] for row in rows), table
        erased, is_even = connection.execute(
            """
            SELECT sum(rows_erased), bool_and(rows_delivered = rows_current + rows_superseded + rows_duplicate
                + rows_quarantined + rows_not_mapped + rows_erased) FROM meta.reconciliation
            """
        ).fetchone() or (0, False)
    assert erased > 10
    assert is_even
    assert '"patient_forgotten"' in settings.journal.read_text()
    assert patient_id not in settings.journal.read_text()
    assert run_registry("doctor", "--home", restored).returncode == 0
