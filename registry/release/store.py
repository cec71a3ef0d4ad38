"""The releases on disk: find, read, and switch between them.

A release is a folder `<home>/releases/<release_id>`; `current` is a link in the same folder. Nothing here writes into a
release. Publication: `publication.py`; rollback: `pin.py`; damage: `damage.py`.
"""

from __future__ import annotations

import errno
import json
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from registry.config.settings import Settings
from registry.errors import UserError
from registry.release.candidate import FILE_NAME
from registry.system.disk import raise_if_no_room
from registry.system.files import sync

MANIFEST = "manifest.json"
CURRENT = "current"
_ID = re.compile(r"\d{4}-\d{2}-[0-9a-f]{10}")
"""Month of the last delivery and the first digits of the fingerprint."""
_NO_DAMAGE = {errno.EACCES, errno.EPERM, errno.EMFILE, errno.ENFILE, errno.ENOMEM}


@dataclass(frozen=True)
class Release:
    """A published version: its id, folder and manifest."""

    release_id: str
    path: Path
    manifest: dict[str, Any]

    @property
    def database(self) -> Path:
        """The DuckDB file."""
        return self.path / FILE_NAME

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the refresh that published it."""
        return str(self.manifest["fingerprint"])

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Turn DuckDB's errors about a damaged file into a UserError while the database is read."""
        try:
            yield
        except duckdb.Error as error:
            raise_if_no_room(self.path.parent, str(error))
            if isinstance(error, duckdb.IOException) or "Corrupt database file" in str(error):
                raise UserError(
                    f"release {self.release_id} is damaged: its {FILE_NAME} can't be read; restore it from a backup, "
                    "or run registry refresh, which moves it aside if necessary"
                ) from None
            raise

    @property
    def content_hashes(self) -> dict[str, str]:
        """The hash of every audited table, by `schema.name`."""
        return {
            name: table["content_hash"]
            for name, table in self.manifest["tables"].items()
            if table["content_hash"] is not None
        }


def current(settings: Settings) -> Release | None:
    """The current release, or None if nothing has been published.

    Raises:
        UserError: if its folder is gone, its manifest can't be read, or `current` is not a link.

    """
    release_id = current_id(settings)
    if release_id is None:
        return None
    found = find(settings, release_id)
    if found is None:
        raise UserError(
            f"release {release_id} is current, but its folder is gone from {settings.releases}: restore it "
            "from a backup, or run registry refresh"
        )
    return found


def current_id(settings: Settings) -> str | None:
    """The id of the current release, whatever its state; None if nothing has been published.

    Raises:
        UserError: if `current` is not a link (as after a copy that follows links): its target is unknown.

    """
    link = settings.releases / CURRENT
    if link.is_symlink():
        return link.readlink().name
    if link.exists():
        raise UserError(
            f"{link} is not a link to a release but a copy of one: move it away, or run registry refresh, which moves "
            "it aside"
        )
    return None


def load(settings: Settings, release_id: str) -> Release:
    """Load a release by its id.

    Raises:
        UserError: if there is no such release, or its manifest can't be read.

    """
    found = find(settings, release_id)
    if found is None:
        raise _unknown(settings, release_id)
    return found


class TornManifest(UserError):
    """A release whose manifest is missing or corrupt."""


def find(settings: Settings, release_id: str) -> Release | None:
    """Load a release by its id, or None; UserError if its manifest can't be read, TornManifest if it is corrupt."""
    path = _folder(settings, release_id)
    return Release(release_id, path, _manifest(path)) if path else None


def folder(settings: Settings, release_id: str) -> Path:
    """A release's folder, whatever the state of its files; UserError if there is no such release."""
    path = _folder(settings, release_id)
    if path is None:
        raise _unknown(settings, release_id)
    return path


def list_releases(settings: Settings) -> list[Release]:
    """All releases, newest first; UserError if a manifest can't be read."""
    if not settings.releases.is_dir():
        return []
    names = (path.name for path in settings.releases.iterdir())
    found = [release for name in sorted(names) if (release := find(settings, name)) is not None]
    return _newest_first(found)


def _newest_first(releases: list[Release]) -> list[Release]:
    """Sort by time of publication, but never a release before the one that it replaced: clocks can be set back."""
    by_id = {release.release_id: release for release in releases}

    def place(release: Release) -> tuple[str, int]:
        line = [release]
        while (before := by_id.get(line[-1].manifest.get("previous_release_id") or "")) and before not in line:
            line.append(before)
        return max(str(one.manifest["created_at"]) for one in line), len(line)

    return sorted(releases, key=place, reverse=True)


def point_current(settings: Settings, release_id: str) -> None:
    """Switch `current` to a release at once: a reader sees the old one or the new one, never neither."""
    temporary = settings.releases / f".current-{uuid.uuid4().hex[:8]}"
    temporary.symlink_to(release_id, target_is_directory=True)
    temporary.replace(settings.releases / CURRENT)
    sync(settings.releases)


def _folder(settings: Settings, release_id: str) -> Path | None:
    path = settings.releases / release_id
    # anything else there (lost+found, a copy, a real folder `current`) is not a release
    if not _ID.fullmatch(release_id) or not path.is_dir() or path.is_symlink():
        return None
    return path


def refuse_unreadable(error: Exception, path: Path) -> None:
    """Raise UserError if this user or the system can't read a file of a release now: that is not damage."""
    if isinstance(error, OSError) and error.errno in _NO_DAMAGE:
        raise UserError(
            f"{path}: {error.strerror}; make the release's files readable for this user, then try again"
        ) from None


def _unknown(settings: Settings, release_id: str) -> UserError:
    what = f"{CURRENT} is not a release id" if release_id == CURRENT else f"no release {release_id}"
    return UserError(f"{what} in {settings.releases}; to see all: registry releases list")


def _manifest(path: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
        for key in ("release_id", "fingerprint", "created_at"):
            manifest[key]
        for table in manifest["tables"].values():
            table["rows"], table["content_hash"]
        for check in manifest["checks"]:
            check["passed"]
        manifest["study"].items(), iter(manifest["inputs"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        refuse_unreadable(error, path / MANIFEST)
        raise TornManifest(
            f"release {path.name}: its {MANIFEST} can't be read; restore it from a backup, or run registry refresh, "
            "which moves it aside"
        ) from None
    return dict(manifest)
