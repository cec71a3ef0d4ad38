"""The points at which a refresh can be cut off: before each change of files, after each file opened to be written, and
before each statement and commit of DuckDB. Hooked from outside; the product knows nothing of it.
"""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

CHANGES = {
    "os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.symlink", "os.link", "os.chmod", "os.truncate",
    "shutil.rmtree", "shutil.copyfile",
}  # fmt: skip
STATEMENTS = ("execute", "executemany", "begin", "commit", "register")


class Points:
    """Counts the points of this process's work on a home, and kills it at one of them."""

    def __init__(self, home: Path, kill_at: int | None = None) -> None:
        self.seen: list[str] = []
        self.stage = "start"
        self._home = str(home)
        self._kill_at = kill_at

    def enter(self, stage: str) -> None:
        """What follows belongs to this stage of the refresh."""
        self.stage = stage

    def pass_by(self, what: str) -> None:
        """One point; the process ends here if it is the one."""
        if len(self.seen) == self._kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        self.seen.append(f"{self.stage}: {what}")

    def watch(self) -> None:
        """Hook everything, for the rest of this process's life."""
        sys.addaudithook(self._audit)
        os.fsync = self._before(os.fsync, "os.fsync")  # type: ignore[assignment]
        io.open = self._after_opening(io.open)  # type: ignore[assignment]
        for name in STATEMENTS:
            hooked = self._before(getattr(duckdb.DuckDBPyConnection, name), f"duckdb {name}")
            setattr(duckdb.DuckDBPyConnection, name, hooked)

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        is_change = event in CHANGES
        if event == "open" and isinstance(arguments[2], int):
            is_change = bool(arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
        if is_change and any(str(argument).startswith(self._home) for argument in arguments):
            self.pass_by(event)

    def _before(self, function: Callable[..., Any], name: str) -> Callable[..., Any]:
        def hooked(*arguments: Any, **named: Any) -> Any:
            self.pass_by(name)
            return function(*arguments, **named)

        return hooked

    def _after_opening(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def hooked(file: Any, mode: str = "r", *arguments: Any, **named: Any) -> Any:
            opened = function(file, mode, *arguments, **named)
            if set(mode) & set("wax") and str(file).startswith(self._home):
                self.pass_by("opened and still empty")
            return opened

        return hooked
