"""What a disk can't do is found out before a refresh begins; a full disk and a held database end in one line."""

from __future__ import annotations

import errno
import fcntl
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from registry.config.settings import Settings, load_settings
from registry.errors import UserError
from registry.operations.error_reports import ProgramFault, to_user_error
from registry.refresh import cleanup
from registry.system import disk, lock


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(home=tmp_path / "home")


def refuses(number: int) -> Callable[..., Any]:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return refuse


def test_a_local_disk_is_fit_and_nothing_stays(settings: Settings) -> None:
    started = time.monotonic()
    disk.require_fit_disk(settings)
    assert time.monotonic() - started < 1
    assert list(settings.home.iterdir()) == []


LACKING: dict[str, tuple[object, str, Callable[..., Any]]] = {
    "file locks": (fcntl, "flock", refuses(errno.ENOLCK)),
    "file locks, of databases": (fcntl, "lockf", refuses(errno.EOPNOTSUPP)),
    "file locks, that keep nobody out": (fcntl, "flock", lambda *_: None),
    "symbolic links": (os, "symlink", refuses(errno.EPERM)),
    "hard links": (os, "link", refuses(errno.EPERM)),
    "renaming over a file": (Path, "rename", refuses(errno.EEXIST)),
    "access modes (chmod)": (Path, "chmod", lambda *_: None),
    "access modes (chmod), refused": (Path, "chmod", refuses(errno.EPERM)),
    "syncing (fsync)": (os, "fsync", refuses(errno.EINVAL)),
}


@pytest.mark.parametrize("lacking", LACKING)
def test_a_disk_that_lacks_something_is_refused_before_the_lock(
    settings: Settings, lacking: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.home.mkdir()
    owner, name, instead = LACKING[lacking]
    monkeypatch.setattr(owner, name, instead)
    with pytest.raises(UserError) as caught:
        lock.acquire(settings, "a test", wait=False)
    assert f"no {lacking.partition(', ')[0]}" in str(caught.value)
    assert "choose a folder on a local disk with --home or REGISTRY_HOME" in str(caught.value)
    assert list(settings.home.iterdir()) == []


@pytest.mark.parametrize("name", ["Registry [2025]", "a*b", "a#b", "a%20b"])
def test_a_home_whose_path_would_be_misread_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match=r"Dagster or dbt misreads a path with '(\[|\*|#|%20)': rename the folder"):
        disk.require_plain_path(load_settings(home=tmp_path / name))


@pytest.mark.parametrize("name", ["a b", "50% of it's 1", 'é;&=$~{}"'])
def test_a_home_with_other_signs_in_its_path_is_taken(tmp_path: Path, name: str) -> None:
    disk.require_plain_path(load_settings(home=tmp_path / name))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_full_disk_does_not_lack_anything(settings: Settings, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.home.mkdir()
    monkeypatch.setattr(os, "fsync", refuses(number))
    with pytest.raises(UserError, match=f"can't be written: {os.strerror(number)}; free up space"):
        disk.require_fit_disk(settings)


def test_a_trial_that_was_cut_off_is_cleared(settings: Settings) -> None:
    (settings.home / f"{disk.TRIAL}x").mkdir(parents=True)
    (settings.home / f"{disk.TRIAL}x" / "lock").touch()
    cleanup.remove_leftovers(settings)
    assert not (settings.home / f"{disk.TRIAL}x").exists()


HOLD = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1], read_only=True)
print("held", flush=True)
sys.stdin.read()
"""


def test_who_holds_a_build_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    duckdb.connect(str(path)).close()
    reader = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert reader.stdout is not None
        reader.stdout.readline()
        with pytest.raises(UserError) as caught, disk.writing(path):
            duckdb.connect(str(path))
    finally:
        reader.communicate()
    told = str(caught.value)
    assert told.startswith(f"{path} is in use by process {reader.pid} (python")
    assert told.endswith("close it there and try again")


def test_a_holder_on_another_machine_is_not_guessed() -> None:
    with pytest.raises(UserError, match="in use by an unknown process"):
        disk.raise_if_held("x", 'IO Error: Could not set lock on file "/x": Resource temporarily unavailable')


class Wrapped(Exception):
    """As Dagster and SQLAlchemy wrap what they meet."""


def wrapped(cause: Exception) -> Exception:
    error = Wrapped("INSERT INTO runs VALUES ('P-17')")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("cause", "told"),
    [
        (sqlite3.OperationalError("database is locked"), "dagster: Dagster's database is in use by another process"),
        (sqlite3.OperationalError("database or disk is full"), "because the disk is full: free up space"),
        (sqlite3.OperationalError("attempt to write a readonly database"), "may read and write there"),
        (sqlite3.OperationalError("unable to open database file"), "may read and write there"),
        (sqlite3.OperationalError("disk I/O error"), "the disk fails or the file is damaged"),
        (sqlite3.DatabaseError("database disk image is malformed"), "the disk fails or the file is damaged"),
        (sqlite3.DatabaseError("file is not a database"), "the disk fails or the file is damaged"),
        (OSError(errno.ENOSPC, "No space left on device", "/x/y"), "/x/y can't be written: No space left on device"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "home can't be written: Disk quota exceeded"),
        (
            duckdb.IOException("IO Error: Could not write file: No space left"),
            "home can't be written: its disk is full",
        ),
        (
            duckdb.IOException(
                'IO Error: Could not set lock on file "/x/w.duckdb": Conflicting lock is held in /usr/bin/duckdb '
                "(PID 999999999) by user ann. See also https://duckdb.org/docs/connect/concurrency"
            ),
            "/x/w.duckdb is in use by process 999999999 (ann): close it there",
        ),
        (duckdb.OutOfMemoryException("could not allocate"), "more memory is needed than REGISTRY_MEMORY_LIMIT"),
        (
            UnicodeEncodeError("ascii", "P-17 è", 5, 6, "ordinal not in range"),
            "in the encoding ascii: set PYTHONUTF8=1",
        ),
    ],
)
@pytest.mark.parametrize("wrap", [wrapped, lambda cause: cause], ids=["wrapped", "bare"])
def test_what_a_machine_lacks_is_one_line_however_deep_it_is(
    settings: Settings, cause: Exception, told: str, wrap: Callable[[Exception], Exception]
) -> None:
    line = to_user_error(settings, wrap(cause), "refresh")
    assert isinstance(line, UserError)
    assert told in str(line)
    assert "P-17" not in str(line)


@pytest.mark.parametrize(
    "cause", [sqlite3.OperationalError("no such table: runs"), duckdb.BinderException("x"), OSError(errno.EINVAL, "x")]
)
def test_other_errors_stay_faults_of_the_program(settings: Settings, cause: Exception) -> None:
    assert isinstance(to_user_error(settings, wrapped(cause), "refresh"), ProgramFault)
