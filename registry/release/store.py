"""The published versions on disk: finding, reading and switching between them.

A release is a folder `<home>/releases/<release_id>`; `current` is a link beside them. Nothing here writes into a
release. How one comes to be: `publication.py`; going back to an older one: `pin.py`.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from registry.errors import UserError
from registry.release.candidate import FILE_NAME
from registry.settings import Settings

DAMAGED_PREFIX = ".damaged-"
MANIFEST = "manifest.json"
CURRENT = "current"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Release:
    """A published version: its id, its folder and its manifest as read."""

    release_id: str
    path: Path
    manifest: dict[str, Any]

    @property
    def database(self) -> Path:
        """The DuckDB file."""
        return self.path / FILE_NAME

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the refresh that made it."""
        return str(self.manifest["fingerprint"])

    def rows_held_back(self) -> int:
        """Delivered rows in quarantine when this was published."""
        with duckdb.connect(str(self.database), read_only=True) as connection:
            row = connection.execute("SELECT coalesce(sum(rows_quarantined), 0) FROM meta.reconciliation").fetchone()
        return int(row[0]) if row else 0

    @property
    def content_hashes(self) -> dict[str, str]:
        """The hash of every audited table, by `schema.name`."""
        return {
            name: table["content_hash"]
            for name, table in self.manifest["tables"].items()
            if table["content_hash"] is not None
        }


def current(settings: Settings) -> Release | None:
    """The release in force, or None where nothing has been published.

    Raises:
        UserError: if its folder was taken away, or its manifest can't be read.

    """
    link = settings.releases / CURRENT
    if not link.is_symlink():
        return None
    found = find(settings, link.readlink().name)
    if found is None:
        raise UserError(
            f"release {link.readlink().name} is in force, but its folder is gone from {settings.releases}: restore it "
            "from a backup, or run registry refresh"
        )
    return found


def load(settings: Settings, release_id: str) -> Release:
    """One release by its id.

    Raises:
        UserError: if there is none of that id, or its manifest can't be read.

    """
    found = find(settings, release_id)
    if found is None:
        raise _unknown(settings, release_id)
    return found


def find(settings: Settings, release_id: str) -> Release | None:
    """One release by its id, or None; UserError where its manifest can't be read."""
    path = _folder(settings, release_id)
    return Release(release_id, path, _manifest(path)) if path else None


def folder(settings: Settings, release_id: str) -> Path:
    """A release's folder, whatever the state of its files; UserError if there is none of that id."""
    path = _folder(settings, release_id)
    if path is None:
        raise _unknown(settings, release_id)
    return path


def list_releases(settings: Settings) -> list[Release]:
    """All releases, the newest first; UserError names one whose manifest can't be read."""
    if not settings.releases.is_dir():
        return []
    names = (path.name for path in settings.releases.iterdir())
    found = [release for name in sorted(names) if (release := find(settings, name)) is not None]
    return _newest_first(found)


def _newest_first(releases: list[Release]) -> list[Release]:
    """By the time of publication, but none before the one that it replaced: clocks are set back."""
    by_id = {release.release_id: release for release in releases}

    def place(release: Release) -> tuple[str, int]:
        line = [release]
        while (before := by_id.get(line[-1].manifest.get("previous_release_id") or "")) and before not in line:
            line.append(before)
        return max(str(one.manifest["created_at"]) for one in line), len(line)

    return sorted(releases, key=place, reverse=True)


def set_damaged_aside(settings: Settings) -> list[str]:
    """Take releases whose manifest can't be read out of sight, as `.damaged-<id>`; returns their ids.

    Where that, or a folder taken away by hand, was the one in force, the newest that is whole takes its place.
    """
    damaged = []
    for path in sorted(settings.releases.iterdir()) if settings.releases.is_dir() else ():
        try:
            find(settings, path.name)
        except UserError:
            damaged.append(path.name)
            aside = path.with_name(f"{DAMAGED_PREFIX}{path.name}")
            shutil.rmtree(aside, ignore_errors=True)
            path.rename(aside)
            log.warning("release %s: its %s can't be read; it is set aside as %s", path.name, MANIFEST, aside)
    link = settings.releases / CURRENT
    if link.is_symlink() and _folder(settings, link.readlink().name) is None:
        whole = list_releases(settings)
        if whole:
            point_current(settings, whole[0].release_id)
        else:
            link.unlink()
    return damaged


def point_current(settings: Settings, release_id: str) -> None:
    """Switch `current` to a release at once: a reader sees the old one or the new one, never neither."""
    temporary = settings.releases / f".current-{uuid.uuid4().hex[:8]}"
    temporary.symlink_to(release_id, target_is_directory=True)
    temporary.replace(settings.releases / CURRENT)
    sync(settings.releases)


def sync(path: Path) -> None:
    """Make sure that a file, or a folder's entries, are on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _folder(settings: Settings, release_id: str) -> Path | None:
    path = settings.releases / release_id
    if not release_id or release_id.startswith(".") or "/" in release_id or not path.is_dir() or path.is_symlink():
        return None
    return path


def _unknown(settings: Settings, release_id: str) -> UserError:
    return UserError(
        f"no release {release_id} in {settings.releases}; registry releases list shows those that are there"
    )


def _manifest(path: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
        for key in ("release_id", "fingerprint", "created_at", "tables", "checks", "study"):
            manifest[key]
    except (OSError, ValueError, KeyError, TypeError):
        raise UserError(
            f"release {path.name}: its {MANIFEST} can't be read; restore it from a backup, or run registry refresh, "
            "which sets it aside"
        ) from None
    return dict(manifest)
