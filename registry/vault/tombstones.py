"""Tombstones: one keyed hash for each forgotten patient, by which a later load recognises the patient's rows.

HMAC-SHA-256 of site and patient id under a key in the key file that no rotation changes. They are stored twice, in a
file of the vault and in its database, so that an older copy of either does not bring a patient back.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from registry.errors import UserError
from registry.vault.keys import write_new

if TYPE_CHECKING:
    import duckdb

    from registry.config.settings import Settings


@dataclass(frozen=True)
class Tombstones:
    """The forgotten patients of a home, under their key."""

    key: bytes = field(repr=False)
    hashes: frozenset[str]

    def __bool__(self) -> bool:
        return bool(self.hashes)

    def covers(self, site: str, patient_id: str) -> bool:
        """Whether this patient was forgotten; `patient_id` without surrounding blanks."""
        return bool(self.hashes) and self.of(site, patient_id) in self.hashes

    def of(self, site: str, patient_id: str) -> str:
        """The tombstone of a patient: 64 hexadecimal digits."""
        return hmac.digest(self.key, f"forgotten|{site}\x1f{patient_id}".encode(), hashlib.sha256).hex()

    @cached_property
    def key_id(self) -> str:
        """Identifies the key of the hashes without revealing it."""
        return hmac.digest(self.key, b"tombstone-key-id", hashlib.sha256).hex()[:12]


def read(settings: Settings, key: bytes, connection: duckdb.DuckDBPyConnection) -> Tombstones:
    """All tombstones, from the file and the vault's database.

    Raises:
        UserError: if the file can't be read, or was made with another key: forgotten patients would come back.
    """
    known = Tombstones(key, frozenset())
    entries = _entries(settings.tombstones)
    if any(entry["key"] != known.key_id for entry in entries):
        raise UserError(
            f"{settings.tombstones} was not made with the key in {settings.key_file}, so forgotten patients would come "
            "back: restore the right key (registry key restore FILE)"
        )
    applied = connection.execute("SELECT tombstone FROM main.applied_tombstone").fetchall()
    return Tombstones(key, frozenset({entry["tombstone"] for entry in entries} | {row[0] for row in applied}))


def write(settings: Settings, tombstones: Tombstones) -> None:
    """Write all tombstones to the file, keep existing dates, and flush to disk."""
    kept = {entry["tombstone"]: entry["forgotten_on"] for entry in _entries(settings.tombstones)}
    if kept.keys() == tombstones.hashes:
        return
    today = datetime.now(UTC).date().isoformat()
    lines = [
        json.dumps({"tombstone": name, "key": tombstones.key_id, "forgotten_on": kept.get(name, today)})
        for name in sorted(tombstones.hashes)
    ]
    draft = settings.tombstones.with_suffix(".next")
    draft.unlink(missing_ok=True)
    write_new(draft, "".join(line + "\n" for line in lines))
    draft.replace(settings.tombstones)


def tombstones_hash(settings: Settings) -> str:
    """SHA-256 (hex) over the tombstones of the file: a forgotten patient changes the result of a refresh."""
    return hashlib.sha256("\n".join(sorted(_hashes(_entries(settings.tombstones)))).encode()).hexdigest()


def _hashes(entries: Iterable[dict[str, str]]) -> set[str]:
    return {entry["tombstone"] for entry in entries}


def _entries(path: Path) -> list[dict[str, str]]:
    try:
        lines = path.read_text(encoding="ascii").splitlines()
        entries = [json.loads(line) for line in lines]
        for entry in entries:
            entry["tombstone"], entry["key"], entry["forgotten_on"]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError):
        raise UserError(f"{path} can't be read: restore it from a backup of the vault") from None
    return entries
