"""The gate's last decision, kept beside the releases so that Dagster and the command line can show it.

It is written whether the gate passed or refused: after a refusal nothing else is left of the candidate. A torn record
counts as none: nothing is decided by it.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from expectations import Audit, CheckResult
from registry.config.settings import Settings
from registry.errors import UserError
from registry.release.store import sync
from registry.system.disk import group_folder

Status = Literal["passed", "published", "confirmed", "refused"]
"""`passed`: judged, and not published yet."""


@dataclass(frozen=True)
class Decision:
    """What was decided about a candidate, when, and on what grounds."""

    release_id: str
    fingerprint: str
    status: Status
    decided_at: str
    audit: Audit


def path_of(settings: Settings) -> Path:
    """Where the last decision is kept."""
    return settings.home / "gate" / "last.json"


def draft_of(settings: Settings) -> Path:
    """Where it is written before it takes its place."""
    return path_of(settings).with_suffix(".tmp")


def record(settings: Settings, release_id: str, fingerprint: str, status: Status, audit: Audit) -> Decision:
    """Keep a decision as the last one."""
    decided_at = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    decision = Decision(release_id, fingerprint, status, decided_at, audit)
    path = path_of(settings)
    group_folder(path.parent)
    temporary = draft_of(settings)
    content = {**asdict(decision), "passed": audit.passed}
    temporary.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    temporary.chmod(0o640)
    sync(temporary)
    temporary.replace(path)
    sync(path.parent)
    return decision


def last(settings: Settings) -> Decision | None:
    """The last decision, or None where the gate has never been reached, or its record is torn."""
    try:
        return read(settings)
    except UserError:
        return None


def read(settings: Settings) -> Decision | None:
    """The same, for who wants to know of a torn record.

    Raises:
        UserError: if the file can't be read.

    """
    path = path_of(settings)
    if not path.exists():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return Decision(
            release_id=content["release_id"],
            fingerprint=content["fingerprint"],
            status=content["status"],
            decided_at=content["decided_at"],
            audit=Audit(tuple(CheckResult(**check) for check in content["audit"]["checks"])),
        )
    except (OSError, ValueError, KeyError, TypeError):
        raise UserError(f"{path} can't be read: remove it; the next refresh that builds writes it again") from None


def confirm(settings: Settings) -> None:
    """Note that a refresh found nothing new: the current release was confirmed now."""
    path = _confirmed(settings)
    group_folder(path.parent)
    path.write_text(dt.datetime.now(dt.UTC).isoformat() + "\n", encoding="ascii")


def confirmed_at(settings: Settings) -> dt.datetime | None:
    """When a refresh last found nothing new; None where none has."""
    try:
        return dt.datetime.fromisoformat(_confirmed(settings).read_text(encoding="ascii").strip())
    except (OSError, ValueError):
        return None


def _confirmed(settings: Settings) -> Path:
    return settings.home / "gate" / "confirmed"
