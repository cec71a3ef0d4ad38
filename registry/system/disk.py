"""Create folders with the right access modes, and report in one line what a disk can't do.

Network disks and USB sticks may lack locks, links or access modes; this is checked before a refresh builds anything.
`registry/vault/database.py` handles the access to the vault.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import duckdb

from registry.errors import UserError

if TYPE_CHECKING:
    from registry.config.settings import Settings

TRIAL = ".trial-"
"""Prefix of the folder in which a disk is tested."""
_NOT_THE_DISKS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EIO, errno.EMFILE})
_MISREAD = re.compile(r"[\[*#]|%[0-9A-Fa-f]{2}")
"""Dagster finds its settings by a pattern and its databases by a URL; dbt takes the database's name from a URL."""
_HELD = re.compile(r"could not set lock|conflicting lock", re.IGNORECASE)
_HOLDER = re.compile(r"PID (\d+)\)?(?: by user ([^\s.]+))?")
_FULL = "its disk is full or can't be written to"
_SQLITE = {
    "locked|busy": "is in use by another process: wait for it to end, or stop the UI, and try again",
    "disk is full": "can't be written because the disk is full: free up space and try again",
    "readonly|unable to open": "can't be written: check that this user may read and write there",
    "disk i/o|malformed|not a database": "can't be read: the disk fails or the file is damaged; move it away and "
    "refresh again; only the history of runs is lost",
}
"""SQLite's error texts → our messages about Dagster's database."""
# The system's error texts as they appear in DuckDB's and dbt's messages.
_NO_ROOM = re.compile(r"no space left|file too large|disk quota|read-only file system|could not write", re.IGNORECASE)


def group_folder(path: Path) -> None:
    """Make a folder that its group may read (0750), whatever the umask; an existing one keeps its mode."""
    if not path.is_dir():
        path.mkdir(parents=True, exist_ok=True, mode=0o750)
        # keep an inherited setgid bit, so that new files get the same group
        path.chmod(path.stat().st_mode & 0o7000 | 0o750)


def private_folder(path: Path) -> None:
    """Make a folder that only its owner may read (0700), or restrict an existing one."""
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    if path.stat().st_mode & 0o077:
        path.chmod(0o700)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn a failure to write `path`, or below it, into a UserError, without DuckDB's own text."""
    try:
        yield
    except OSError as error:
        raise UserError(_line(path, error.strerror or "not usable")) from None
    except duckdb.Error as error:
        raise_if_held(path, str(error))
        raise_if_no_room(path, str(error))
        raise


def raise_if_no_room(what: Path | str, message: str) -> None:
    """Raise UserError if an engine's message means that `what` could not be written."""
    if _NO_ROOM.search(message):
        raise UserError(_line(what, _FULL))


def raise_if_held(path: Path | str, message: str) -> None:
    """Raise UserError if DuckDB's message means that another process uses `path`; name the process if known."""
    if _HELD.search(message):
        raise UserError(_held_line(path, message))


def require_fit_disk(settings: Settings) -> None:
    """Raise UserError if the disk of the home lacks something that a refresh needs; takes a few milliseconds."""
    group_folder(settings.home)
    with writing(settings.home), TemporaryDirectory(prefix=TRIAL, dir=settings.home) as folder:
        lacking = [what for what, is_fit in _TRIALS if not _tried(is_fit, Path(folder))]
    if lacking:
        raise UserError(
            f"{settings.home}: its disk has no {', no '.join(lacking)}: choose a folder on a local disk with --home or "
            "REGISTRY_HOME"
        )


def require_plain_path(settings: Settings) -> None:
    """Raise UserError if Dagster or dbt would misread the path of the home."""
    found = _MISREAD.search(str(settings.home))
    if found:
        raise UserError(
            f"{settings.home}: Dagster or dbt misreads a path with '{found[0]}': rename the folder, or choose another "
            "with --home or REGISTRY_HOME"
        )


def trouble(where: Path, error: BaseException) -> UserError | None:
    """The UserError for a disk error, or for a database that another process uses; None for any other error.

    `where`: the path to name if the error has none. The text of an engine is not repeated.
    """
    message = str(error)
    if isinstance(error, OSError):
        is_full = error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}
        return UserError(_line(error.filename or where, error.strerror or "not usable")) if is_full else None
    if isinstance(error, duckdb.Error) and _HELD.search(message):
        return UserError(_held_line(where, message))
    if isinstance(error, duckdb.Error) and _NO_ROOM.search(message):
        return UserError(_line(where, _FULL))
    if type(error).__module__ == "sqlite3":
        for words, said in _SQLITE.items():
            if re.search(words, message, re.IGNORECASE):
                return UserError(f"{where}: Dagster's database {said}")
    return None


def _tried(is_fit: Callable[[Path], bool], folder: Path) -> bool:
    try:
        return is_fit(folder)
    except OSError as error:
        if error.errno in _NOT_THE_DISKS:
            raise
        return False


def _locks(folder: Path) -> bool:
    """Test both kinds: the locks of DuckDB and SQLite, and the registry's own, which must exclude a second process."""
    with (folder / "range").open("w") as file:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with (folder / "lock").open("w") as first, (folder / "lock").open("w") as second:
        fcntl.flock(first, fcntl.LOCK_EX | fcntl.LOCK_NB)
        try:
            fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _links(folder: Path) -> bool:
    for target in ("one", "two"):
        (folder / "link").symlink_to(target)
        (folder / "link").rename(folder / "current")
    return (folder / "current").readlink() == Path("two")


def _hard_links(folder: Path) -> bool:
    (folder / "name").touch()
    (folder / "other").hardlink_to(folder / "name")
    return (folder / "other").samefile(folder / "name")


def _renames(folder: Path) -> bool:
    for text in ("old", "new"):
        (folder / "draft").write_text(text)
        (folder / "draft").rename(folder / "kept")
    return (folder / "kept").read_text() == "new" and not (folder / "draft").exists()


def _modes(folder: Path) -> bool:
    path = folder / "private"
    path.touch()
    path.chmod(0o600)
    return path.stat().st_mode & 0o077 == 0


def _syncs(folder: Path) -> bool:
    for path in (folder / "synced", folder):
        descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    return True


_TRIALS: tuple[tuple[str, Callable[[Path], bool]], ...] = (
    ("file locks", _locks),
    ("symbolic links", _links),
    ("hard links", _hard_links),
    ("renaming over a file", _renames),
    ("access modes (chmod)", _modes),
    ("syncing (fsync)", _syncs),
)


def _held_line(path: Path | str, message: str) -> str:
    named = re.search(r'file "([^"]+)"', message)
    return f"{named[1] if named else path} is in use by {_holder(message)}: close it there and try again"


def _holder(message: str) -> str:
    found = _HOLDER.search(message)
    if found is None:
        return "an unknown process, perhaps on another machine"
    import psutil  # rarely needed, and slow to import

    name = ""
    with suppress(psutil.Error):
        name = psutil.Process(int(found[1])).name()
    about = " of ".join(part for part in (name, found[2]) if part)
    return f"process {found[1]}" + (f" ({about})" if about else "")


def _line(what: Path | str, reason: str) -> str:
    return (
        f"{what} can't be written: {reason}; free up space, or check that this user may write there, and refresh again"
    )
