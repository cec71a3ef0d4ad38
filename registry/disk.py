"""A disk that is full or may not be written to, told in one line whoever notices it: Python, DuckDB or dbt."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from registry.errors import UserError

# What the system's words become in DuckDB's and dbt's messages.
_NO_ROOM = re.compile(r"no space left|file too large|disk quota|read-only file system|could not write", re.IGNORECASE)


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
