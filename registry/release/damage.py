"""Releases modified after publication: reported in one line, and moved aside by the refresh that would need them.

Damage means a file listed in SHA256SUMS that is changed or missing; an additional file is not damage. A refresh checks
the current release at its start, and any other release before it becomes current or is compared with. So no damaged
release is confirmed, made current or used for a comparison.
"""

from __future__ import annotations

import logging
from pathlib import Path

from registry.config.settings import Settings
from registry.errors import UserError
from registry.release import gate_record
from registry.release.candidate import FILE_NAME
from registry.release.files import CHECKSUMS, sha256, stated
from registry.release.pin import Pin, hold, pinned
from registry.release.store import (
    CURRENT,
    MANIFEST,
    Release,
    TornManifest,
    current_id,
    find,
    list_releases,
    point_current,
    refuse_unreadable,
)
from registry.system import event_log
from registry.system.disk import writing

PREFIX = ".damaged-"

log = logging.getLogger(__name__)


def damaged_files(folder: Path) -> list[str]:
    """Files of SHA256SUMS that are changed, missing or unreadable; SHA256SUMS itself if it is damaged."""
    try:
        digests = stated((folder / CHECKSUMS).read_bytes())
    except OSError as error:
        refuse_unreadable(error, folder / CHECKSUMS)
        return [CHECKSUMS]
    if not {FILE_NAME, MANIFEST} <= digests.keys():
        return [CHECKSUMS]
    return sorted(name for name, digest in digests.items() if _digest(folder / name) != digest)


def refuse_damaged(release: Release) -> None:
    """UserError if a release is damaged."""
    if files := damaged_files(release.path):
        raise UserError(
            f"release {release.release_id} was modified after publication ({_few(files)}): restore it from a backup; "
            "registry releases verify has the details"
        )


def load_intact(settings: Settings, release_id: str) -> Release | None:
    """Load a release if it is intact; a damaged one is moved aside. The caller holds the refresh lock."""
    try:
        found = find(settings, release_id)
    except TornManifest:
        _hide(settings, release_id, [MANIFEST])
        return None
    if found is not None and (files := damaged_files(found.path)):
        _hide(settings, release_id, files)
        return None
    return found


def set_aside(settings: Settings) -> None:
    """Move damaged releases aside as `.damaged-<id>`: any with an unreadable manifest, and the current one.

    If the current release is damaged or its folder or the link is gone, the newest intact one becomes current. The
    caller holds the refresh lock.

    Raises:
        UserError: if this user may not read a file: that is not damage.
    """
    if not settings.releases.is_dir():
        return
    for path in sorted(settings.releases.iterdir()):
        try:
            find(settings, path.name)
        except TornManifest:
            _hide(settings, path.name, [MANIFEST])
    _put_link_back(settings)
    in_force = current_id(settings)
    if in_force is not None and load_intact(settings, in_force) is None:
        _replace(settings, in_force)


def aside(settings: Settings) -> list[str]:
    """Names of the folders that were moved aside."""
    return sorted(path.name for path in settings.releases.glob(f"{PREFIX}*"))


def _replace(settings: Settings, damaged: str) -> None:
    """Make the newest intact release current; after a rollback, the one it left only if there is no other.

    `damaged` is the name of the link if only that was lost.
    """
    pin = pinned(settings)
    others = list_releases(settings)
    if pin is not None:
        others.sort(key=lambda one: (one.release_id != pin.release_id, pin.holds_back(one.fingerprint)))
    for other in others:
        if load_intact(settings, other.release_id) is None:
            continue
        if pin is not None and not pin.holds_back(other.fingerprint):
            hold(settings, Pin(other.release_id, pin.fingerprint))
        point_current(settings, other.release_id)
        log.warning("release %s is now current instead of %s", other.release_id, damaged)
        return
    (settings.releases / CURRENT).unlink(missing_ok=True)
    log.warning("no intact release is left: the next one can't be compared with a previous one, check it for losses")


def _put_link_back(settings: Settings) -> None:
    """Restore the link `current`: move aside anything else of that name; if the link is gone, use the newest release.

    If the first release was interrupted before it became current, there is no gate record: the refresh handles it.
    """
    path = settings.releases / CURRENT
    if path.is_symlink():
        return
    if path.exists():
        copied = _hide(settings, CURRENT, ["a copy, not a link"])
        for release in list_releases(settings):
            if _digest(copied / CHECKSUMS) == sha256(release.path / CHECKSUMS):
                point_current(settings, release.release_id)
                return
    releases, last = list_releases(settings), gate_record.last(settings)
    if len(releases) > 1 or (releases and last is not None and last.status in ("published", "confirmed")):
        _replace(settings, CURRENT)


def _hide(settings: Settings, name: str, files: list[str]) -> Path:
    path = settings.releases / name
    aside, number = path.with_name(f"{PREFIX}{name}"), 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{PREFIX}{name}-{number}")
    with writing(settings.releases):
        path.rename(aside)
    log.warning("release %s is damaged (%s): moved aside to %s", name, _few(files), aside)
    event_log.record(settings, "release_set_aside", release=name, files=len(files))
    return aside


def _digest(path: Path) -> str | None:
    try:
        return sha256(path) if path.is_file() and not path.is_symlink() else None
    except OSError as error:
        refuse_unreadable(error, path)
        return None


def _few(files: list[str]) -> str:
    return ", ".join(files[:3]) + (" and more" if len(files) > 3 else "")
