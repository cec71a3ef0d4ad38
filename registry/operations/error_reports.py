"""What is told of a failure, and where: values stay in the vault, everything outside holds none.

Messages of DuckDB, pandas and Python quote what they failed on: a cell, a key, a line of a file. So of an error that
nobody foresaw only its kind and its place in the program leave the vault; our own one-line messages name files, and
lose those names before they are stored anywhere (a terminal shows them whole). Why: docs/decisions/0015.
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
"""Reports kept in a folder; older ones go."""
_QUOTED = re.compile(r"'.*'", re.DOTALL)
_FILE_OF_A_MONTH = re.compile(r"((?:19|20)\d\d-\d\d/)(?!…).*", re.DOTALL)


class ProgramFault(Exception):
    """An error that nobody foresaw, reported already: its text is one line without any value."""

    exit_code = 1


def to_user_error(settings: Settings | None, error: Exception, doing: str) -> UserError | ProgramFault:
    """The error as one line for whoever ran the command; what was not foreseen is reported first.

    Args:
        settings: where reports go: the whole one into the vault, one without values beside it; None where there is no
            home yet, and nothing is written.
        error: what was raised.
        doing: the command or step, in a word or two of our own.
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
    more = f"; a report without any patient's value, fit to be sent: {report}" if report else ""
    return ProgramFault(f"a fault of the program stopped {doing} ({place}){more}")


def redact(settings: Settings, message: str) -> str:
    """A one-line message as it may be stored outside the vault: without names of delivered files and quoted text."""
    for name in sorted(_delivered_names(settings.deliveries), key=len, reverse=True):
        message = message.replace(name, "…")
    return _FILE_OF_A_MONTH.sub(r"\1…", _QUOTED.sub("'…'", message))


def write_private_report(settings: Settings, error: BaseException, doing: str) -> Path:
    """Write an error with everything it says into the vault, for its owner alone; where."""
    secure_vault(settings)
    text = "".join(traceback.format_exception(error))
    return _write(settings.vault_errors, f"{doing}\n\n{text}")


def redacted_traceback(error: BaseException, doing: str) -> str:
    """An error as kinds and places in the program: no message, no argument, no path of this machine."""
    lines = [f"{doing} failed", f"Python {platform.python_version()}, DuckDB {duckdb.__version__}", ""]
    for at in _chain(error):
        lines.append(f"{type(at).__module__}.{type(at).__qualname__}")
        lines += [f"  {_shown(frame)}" for frame in traceback.extract_tb(at.__traceback__)]
    return "\n".join(lines) + "\n"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what caused it, the outermost first."""
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in seen:
        seen.add(id(at))
        yield at
        at = at.__cause__ or at.__context__


def _of_the_machine(settings: Settings | None, error: BaseException) -> UserError | None:
    """The line where a disk, Dagster's database or the terminal is behind an error, however deep; else None."""
    for at in _chain(error):
        if isinstance(at, UnicodeEncodeError):
            return UserError(f"a text can't be written in the encoding {at.encoding}: set PYTHONUTF8=1 and try again")
        is_dagsters = type(at).__module__ == "sqlite3"
        if settings and (line := trouble(settings.dagster_home if is_dagsters else settings.home, at)):
            return line
    return None


def _report(settings: Settings, error: Exception, doing: str) -> Path | None:
    """Both reports, the whole one where there is a vault; None where neither could be written."""
    try:
        if settings.vault.is_dir():
            write_private_report(settings, error, doing)
        if not settings.home.is_dir():
            return None
        return _write(settings.home / "errors", redacted_traceback(error, doing))
    except (OSError, UserError):  # a full disk, say: the error itself is what has to be told
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
    """The innermost line of ours that the error passed, else the innermost of all."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if str(CHECKOUT) in frame.filename and "site-packages" not in frame.filename]
    return _shown((ours or frames)[-1]) if frames else "an unknown place"


def _shown(frame: traceback.FrameSummary) -> str:
    name = frame.filename.rpartition("site-packages" + os.sep)[2].removeprefix(str(CHECKOUT) + os.sep)
    if Path(name).is_absolute() or not name.endswith(".py"):
        name = Path(name).name
    return f"{name}:{frame.lineno} {frame.name}"


def _delivered_names(deliveries: Path) -> set[str]:
    """Names of everything below the deliveries that a site chose: files, and folders that are no month."""
    kinds = tuple(FORMATS)
    names: set[str] = set()
    for folder, folders, files in os.walk(deliveries):
        depth = len(Path(folder).relative_to(deliveries).parts)
        names |= {name for name in files if name.lower().endswith(kinds) or depth == 2}
        names |= {name for name in folders if depth >= 1 and not is_month(name)}
        if depth >= 2:
            folders.clear()
    return names
