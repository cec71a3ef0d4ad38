"""Error reports: what is reported of a failure, and where. Values stay in the vault.

Messages of DuckDB, pandas and Python quote what they failed on: a cell, a key, a line of a file. So only the kind of an
unexpected error and its place in the program leave the vault. Our own one-line messages name files; the names are
removed before a message is stored anywhere (a terminal shows them). Reasons: docs/decisions/0015.
"""

from __future__ import annotations

import datetime as dt
import os
import platform
import re
import traceback
from collections.abc import Iterator
from pathlib import Path

import duckdb

from registry.config.input_contract import FORMATS
from registry.config.settings import Settings, is_month
from registry.errors import UserError
from registry.paths import CHECKOUT
from registry.system import memory
from registry.system.disk import trouble
from registry.vault.database import private_files, secure_vault

_KEPT = 20
"""Reports kept in a folder; older ones are removed."""
_QUOTED = re.compile(r"'.*'", re.DOTALL)
_FILE_OF_A_MONTH = re.compile(r"((?:19|20)\d\d-\d\d/)(?!…).*", re.DOTALL)


class ProgramFault(Exception):
    """An unexpected error, already reported: its text is one line without any value."""

    exit_code = 1


def to_user_error(settings: Settings | None, error: Exception, doing: str) -> UserError | ProgramFault:
    """Turn an error into one line for the user; an unexpected error is reported first.

    Args:
        settings: the home of the reports: the full one goes into the vault, one without values into `errors/`; None if
            there is no home yet, and no report is written.
        error: what was raised.
        doing: the command or step, in a fixed word or two.
    """
    if isinstance(error, (UserError, ProgramFault)):
        return error
    for at in _chain(error):
        if memory.ran_out(at):
            return UserError(memory.line(doing, at, settings.memory_limit if settings else None))
    if known := _of_the_machine(settings, error):
        return known
    if isinstance(error, OSError) and error.strerror:
        where = error.filename or "the registry's home"
        return UserError(f"{where}: {error.strerror}; check that this user may read and write there")
    place = f"{type(error).__name__} in {_place(error)}"
    report = _report(settings, error, doing) if settings else None
    more = f"; a report without any patient's value, safe to send: {report}" if report else ""
    return ProgramFault(f"internal error in {doing} ({place}){more}")


def redact(settings: Settings, message: str) -> str:
    """Remove names of delivered files and quoted text from a message, so that it may be stored outside the vault."""
    for name in sorted(_delivered_names(settings.deliveries), key=len, reverse=True):
        message = message.replace(name, "…")
    return _FILE_OF_A_MONTH.sub(r"\1…", _QUOTED.sub("'…'", message))


def write_private_report(settings: Settings, error: BaseException, doing: str) -> Path:
    """Write the full error into the vault, readable only by its owner; returns the file."""
    secure_vault(settings)
    text = "".join(traceback.format_exception(error))
    return _write(settings.vault_errors, f"{doing}\n\n{text}")


def redacted_traceback(error: BaseException, doing: str) -> str:
    """An error as types and places in the program: no message, no argument, no path of this machine."""
    lines = [f"{doing} failed", f"Python {platform.python_version()}, DuckDB {duckdb.__version__}", ""]
    for at in _chain(error):
        lines.append(f"{type(at).__module__}.{type(at).__qualname__}")
        lines += [f"  {_shown(frame)}" for frame in traceback.extract_tb(at.__traceback__)]
    return "\n".join(lines) + "\n"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and its causes, outermost first."""
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in seen:
        seen.add(id(at))
        yield at
        at = at.__cause__ or at.__context__


def _of_the_machine(settings: Settings | None, error: BaseException) -> UserError | None:
    """The message if a disk, Dagster's database or the terminal caused the error, at any depth; else None."""
    for at in _chain(error):
        if isinstance(at, UnicodeEncodeError):
            return UserError(f"a text can't be written in the encoding {at.encoding}: set PYTHONUTF8=1 and try again")
        is_dagsters = type(at).__module__ == "sqlite3"
        if settings and (line := trouble(settings.dagster_home if is_dagsters else settings.home, at)):
            return line
    return None


def _report(settings: Settings, error: Exception, doing: str) -> Path | None:
    """Write both reports (the full one only if there is a vault); None if that failed."""
    try:
        if settings.vault.is_dir():
            write_private_report(settings, error, doing)
        if not settings.home.is_dir():
            return None
        return _write(settings.home / "errors", redacted_traceback(error, doing))
    except (OSError, UserError):  # for example a full disk: report the original error
        return None


def _write(folder: Path, text: str) -> Path:
    with private_files():
        folder.mkdir(exist_ok=True)
        for old in sorted(folder.glob("*.txt"))[: -_KEPT + 1]:
            old.unlink(missing_ok=True)
        path = folder / f"{dt.datetime.now(dt.UTC):%Y-%m-%dT%H-%M-%S.%f}-{os.getpid()}.txt"
        path.write_text(text, encoding="utf-8", errors="backslashreplace")
    return path


def _place(error: BaseException) -> str:
    """The innermost line of our own code in the traceback, else the innermost line."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if str(CHECKOUT) in frame.filename and "site-packages" not in frame.filename]
    return _shown((ours or frames)[-1]) if frames else "an unknown place"


def _shown(frame: traceback.FrameSummary) -> str:
    name = frame.filename.rpartition("site-packages" + os.sep)[2].removeprefix(str(CHECKOUT) + os.sep)
    if Path(name).is_absolute() or not name.endswith(".py"):
        name = Path(name).name
    return f"{name}:{frame.lineno} {frame.name}"


def _delivered_names(deliveries: Path) -> set[str]:
    """Names chosen by a site below the deliveries: files, and folders that are not months."""
    kinds = tuple(FORMATS)
    names: set[str] = set()
    for folder, folders, files in os.walk(deliveries):
        depth = len(Path(folder).relative_to(deliveries).parts)
        names |= {name for name in files if name.lower().endswith(kinds) or depth == 2}
        names |= {name for name in folders if depth >= 1 and not is_month(name)}
        if depth >= 2:
            folders.clear()
    return names
