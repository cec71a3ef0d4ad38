"""One refresh at a time: a lock file shared by `registry refresh` and the UI, released if its process dies."""

from __future__ import annotations

import json
import logging
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from registry.config.settings import Settings
from registry.errors import UserError
from registry.system.disk import require_fit_disk

log = logging.getLogger(__name__)


class InUse(UserError):
    """Another process holds the lock."""


_held: dict[str, FileLock] = {}


def acquire(settings: Settings, by: str, *, wait: bool = True) -> bool:
    """Take the lock of this home for this process, until `release` or the end of the process.

    Args:
        by: who takes it, shown to those who wait ("registry refresh", "Dagster run 1a2b").
        wait: wait for the current holder and log who it is; otherwise raise at once.

    Returns:
        True if the lock was taken now, False if this process had it already.

    Raises:
        InUse: if another process holds it and `wait` is false.
        UserError: if the disk of the home lacks what a refresh needs (locks, links, access modes).
    """
    path = settings.lock_file
    if str(path) in _held:
        return False
    require_fit_disk(settings)
    lock = FileLock(path, mode=0o600)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        holder = describe_holder(settings)
        if not wait:
            raise InUse(
                f"another refresh is running in {settings.home} ({holder}): wait until it has ended, then try again"
            ) from None
        log.warning("waiting: another refresh is running (%s)", holder)
        lock.acquire()
    _held[str(path)] = lock
    _holder_file(settings).write_text(
        json.dumps({"pid": os.getpid(), "by": by, "since": datetime.now(UTC).isoformat(timespec="seconds")})
    )
    return True


def release(settings: Settings) -> None:
    """Release the lock if this process holds it."""
    lock = _held.pop(str(settings.lock_file), None)
    if lock is not None:
        _holder_file(settings).unlink(missing_ok=True)
        lock.release()


def is_held(settings: Settings) -> bool:
    """Whether a refresh is running, in this process or another."""
    if not settings.lock_file.exists():
        return False
    lock = FileLock(settings.lock_file, mode=0o600)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    lock.release()
    return False


def is_held_by_other(settings: Settings) -> bool:
    """Whether another process holds it."""
    return str(settings.lock_file) not in _held and is_held(settings)


def describe_holder(settings: Settings) -> str:
    """Describe the holder of the lock in words."""
    holder = last_holder(settings)
    if not holder:
        return "holder unknown"
    return f"{holder.get('by')}, process {holder.get('pid')}, since {holder.get('since')}"


def last_holder(settings: Settings) -> dict[str, Any]:
    """The last holder that did not release the lock, as `acquire` wrote it; empty if there is none."""
    try:
        holder = json.loads(_holder_file(settings).read_text())
    except (OSError, ValueError):
        return {}
    return holder if isinstance(holder, dict) else {}


def _holder_file(settings: Settings) -> Path:
    return settings.lock_file.with_suffix(".holder.json")
