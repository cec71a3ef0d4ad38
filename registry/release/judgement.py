"""A candidate that the gate has checked, and the note in its folder that records the result until publication.

The note has the SHA-256 of the checked file: a candidate that differs by a byte is checked again.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from expectations import Audit, CheckResult
from registry.config.settings import Settings
from registry.release.candidate import FILE_NAME, PREFIX
from registry.release.content import TableContent
from registry.system.files import sha256

_NOTE = "judged.json"


@dataclass(frozen=True)
class Judged:
    """A candidate's folder, its future release id, and the gate's result."""

    folder: Path
    release_id: str
    fingerprint: str
    compared_with: str | None
    audit: Audit
    tables: dict[str, TableContent]

    @property
    def database(self) -> Path:
        """The DuckDB file."""
        return self.folder / FILE_NAME


def write(judged: Judged) -> None:
    """Write the note into the candidate's folder."""
    note = {
        "sha256": sha256(judged.database),
        "release_id": judged.release_id,
        "fingerprint": judged.fingerprint,
        "compared_with": judged.compared_with,
        "checks": [asdict(check) for check in judged.audit.checks],
        "tables": [asdict(table) for table in judged.tables.values()],
    }
    path = judged.folder / _NOTE
    path.write_text(json.dumps(note), encoding="utf-8")
    path.chmod(0o640)


def remove(folder: Path) -> None:
    """Remove the note: it is not part of a release."""
    (folder / _NOTE).unlink(missing_ok=True)


def find(settings: Settings, fingerprint: str, compared_with: str | None) -> Judged | None:
    """The candidate with this fingerprint that passed the gate in comparison with this release, or None.

    A corrupt note, or a file changed since the check, counts as none.
    """
    for folder in sorted(settings.releases.glob(f"{PREFIX}*")):
        try:
            note = json.loads((folder / _NOTE).read_text(encoding="utf-8"))
            if (note["fingerprint"], note["compared_with"]) != (fingerprint, compared_with):
                continue
            if note["sha256"] == sha256(folder / FILE_NAME):
                return _judged(folder, note)
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return None


def _judged(folder: Path, note: dict[str, Any]) -> Judged:
    tables = [
        TableContent(**{**table, "columns": tuple(tuple(column) for column in table["columns"])})
        for table in note["tables"]
    ]
    return Judged(
        folder,
        note["release_id"],
        note["fingerprint"],
        note["compared_with"],
        Audit(tuple(CheckResult(**check) for check in note["checks"])),
        {table.name: table for table in tables},
    )
