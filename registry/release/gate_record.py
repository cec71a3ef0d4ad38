"""The gate's last decision, stored so that Dagster and the command line can show it.

Written whether the gate passed or refused; after a refusal it is all that remains of the candidate. A corrupt record
counts as missing: no decision depends on it.
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
"""`passed`: checked but not published yet."""


@dataclass(frozen=True)
class Decision:
    """The decision on a candidate, its time, and its grounds."""

    release_id: str
    fingerprint: str
    status: Status
    decided_at: str
    audit: Audit

    def is_since(self, began: dt.datetime) -> bool:
        """Whether it was made at this time or later; decisions are dated to the second."""
        return dt.datetime.fromisoformat(self.decided_at) >= began.replace(microsecond=0)


def path_of(settings: Settings) -> Path:
    """The file with the last decision."""
    return settings.home / "gate" / "last.json"


def draft_of(settings: Settings) -> Path:
    """The draft of that file, before it is moved into place."""
    return path_of(settings).with_suffix(".tmp")


def record(settings: Settings, release_id: str, fingerprint: str, status: Status, audit: Audit) -> Decision:
    """Store a decision as the last one."""
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
    """The last decision; None if the gate never ran or the record is corrupt."""
    try:
        return read(settings)
    except UserError:
        return None


def read(settings: Settings) -> Decision | None:
    """Like `last`, but raises if the record is corrupt.

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
        raise UserError(f"{path} can't be read: remove it; the next refresh that builds will write a new one") from None


def confirm(settings: Settings) -> None:
    """Record that a refresh found nothing new: the current release is confirmed."""
    path = _confirmed(settings)
    group_folder(path.parent)
    path.write_text(dt.datetime.now(dt.UTC).isoformat() + "\n", encoding="ascii")


def confirmed_at(settings: Settings) -> dt.datetime | None:
    """When a refresh last found nothing new; None if never."""
    try:
        return dt.datetime.fromisoformat(_confirmed(settings).read_text(encoding="ascii").strip())
    except (OSError, ValueError):
        return None


def _confirmed(settings: Settings) -> Path:
    return settings.home / "gate" / "confirmed"
