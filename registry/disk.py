"""Folders with the access that they are meant to have, and a disk that can't be written to, told in one line.

The vault's own access is `registry/vault.py`'s.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from registry.errors import UserError

# What the system's words become in DuckDB's and dbt's messages.
_NO_ROOM = re.compile(r"no space left|file too large|disk quota|read-only file system|could not write", re.IGNORECASE)


def group_folder(path: Path) -> None:
    """Make a folder that its group may read (0750), whatever the umask; one that is there keeps the mode it has."""
    if not path.is_dir():
        path.mkdir(parents=True, exist_ok=True, mode=0o750)
        # a group that is handed down (setgid) stays handed down
        path.chmod(path.stat().st_mode & 0o7000 | 0o750)


def private_folder(path: Path) -> None:
    """Make a folder that its owner alone may read (0700), or make it so."""
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    if path.stat().st_mode & 0o077:
        path.chmod(0o700)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn a failure to write `path`, or below it, into a UserError. DuckDB's own text is not repeated."""
    try:
        yield
    except OSError as error:
        raise UserError(_line(path, error.strerror or "not usable")) from None
    except duckdb.Error as error:
        raise_if_no_room(path, str(error))
        raise


def raise_if_no_room(what: Path | str, message: str) -> None:
    """UserError where an engine's message says that `what` could not be written."""
    if _NO_ROOM.search(message):
        raise UserError(_line(what, "its disk is full or can't be written to"))


def _line(what: Path | str, reason: str) -> str:
    return f"{what} can't be written: {reason}; make room, or see that this user may write there, and refresh again"
