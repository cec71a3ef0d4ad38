"""The event log: what happened, when, and with how many rows; one JSON object a line in <home>/logs/registry.jsonl.

For automatic monitoring. It accepts only events and counts, no free text, so that it can't contain patients' data or
file names.
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
"""Number of older files; registry.jsonl.1 is the latest of them."""

log = logging.getLogger(__name__)


def record(settings: Settings, event: str, **facts: str | int | float | bool | list[str] | None) -> None:
    """Append one event with its facts: counts, durations in seconds, and ids that the registry made.

    If the log can't be written, the caller continues.
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
    """Every stored event, oldest first; incomplete lines are skipped."""
    older = [settings.journal.with_name(f"{settings.journal.name}.{number}") for number in range(KEPT, 0, -1)]
    for path in (*older, settings.journal):
        if path.exists():
            for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
                with suppress(ValueError):
                    yield json.loads(line)
