"""Remember which deliveries folder and study settings a refresh used, and report a change."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from registry.config.inputs import FILE_NAME, STUDY_NAME, LastInputs, last_inputs
from registry.config.settings import Settings
from registry.system.files import sync

log = logging.getLogger(__name__)


def remember_inputs(settings: Settings) -> None:
    """Write what this refresh uses into the home; a changed folder or file is logged. The caller holds the lock."""
    beside = settings.deliveries / STUDY_NAME
    now = LastInputs(settings.deliveries, None if settings.config == beside else settings.config)
    before = last_inputs(settings.home, or_none=True)
    if before.deliveries not in (None, now.deliveries):
        log.warning("deliveries are read from %s; the last refresh read %s", now.deliveries, before.deliveries)
    if before.deliveries and before.config != now.config:
        log.warning(
            "study settings are read from %s; the last refresh read %s",
            now.config or beside,
            before.config or before.deliveries / STUDY_NAME,
        )
    if now.config and beside.exists():
        log.warning("study settings are read from %s; %s is not used", now.config, beside)
    if now != before:
        _write(settings.home, now)


def draft_of(home: Path) -> Path:
    """The draft of that file, before it is moved into place."""
    return (home / FILE_NAME).with_suffix(".tmp")


def _write(home: Path, inputs: LastInputs) -> None:
    stored = {
        "deliveries": _from(home, inputs.deliveries),
        "config": _from(home, inputs.config),
    }
    draft = draft_of(home)
    draft.write_text(json.dumps(stored, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    draft.chmod(0o640)
    sync(draft)
    draft.replace(home / FILE_NAME)


def _from(home: Path, path: Path | None) -> str | None:
    """The path as stored: relative inside the home."""
    if path is None:
        return None
    return str(path.relative_to(home) if path.is_relative_to(home) else path)
