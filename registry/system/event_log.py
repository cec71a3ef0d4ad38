"""What happened, when, and with how many rows: one JSON object a line in <home>/logs/registry.jsonl.

For whoever watches the registry by machine. It takes events and counts, no free text, so that nothing of a patient
and no name of a file can come into it.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from registry.config.settings import Settings

MAX_BYTES = 5 * 2**20
KEPT = 5
"""Older files, registry.jsonl.1 being the latest."""

log = logging.getLogger(__name__)


def record(settings: Settings, event: str, **facts: str | int | float | bool | list[str] | None) -> None:
    """Append one event with its facts: counts, durations in seconds, and ids of the registry's own making.

    A journal that can't be written never stops what it tells of.
    """
    entry = {
        "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "event": event,
        "study": settings.study.study_id,
        "process": os.getpid(),
        **facts,
    }
    path = settings.journal
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
        handler = RotatingFileHandler(path, maxBytes=MAX_BYTES, backupCount=KEPT, encoding="utf-8")
        try:
            handler.emit(logging.makeLogRecord({"msg": json.dumps(entry, ensure_ascii=False)}))
        finally:
            handler.close()
    except OSError as error:
        log.warning("%s can't be written: %s", path, error.strerror)


def entries(settings: Settings) -> Iterator[dict[str, Any]]:
    """Every event that is kept, the oldest first; lines that are torn are passed over."""
    older = [settings.journal.with_name(f"{settings.journal.name}.{number}") for number in range(KEPT, 0, -1)]
    for path in (*older, settings.journal):
        if path.exists():
            for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
                with suppress(ValueError):
                    yield json.loads(line)
