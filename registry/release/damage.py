"""Releases that are not as they were sealed: told in one line, and set aside by the refresh that would rely on them.

Damage is what SHA256SUMS states and is changed or missing; a file that was added is none. A refresh hashes the release
in force at its start, and another one where it is about to take its place or to be compared with: nothing is called
unchanged, brought back or judged by that can't be trusted.
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
    """What a release's SHA256SUMS states and is changed, missing or unreadable; the sums themselves, where they are."""
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
            f"release {release.release_id} is not as it was sealed ({_few(files)}): restore it from a backup; "
            "registry releases verify tells more"
        )


def load_intact(settings: Settings, release_id: str) -> Release | None:
    """A release, if it is there and whole; one that is damaged is set aside. The caller holds the refresh lock."""
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
    """Take damaged releases out of sight, as `.damaged-<id>`: any whose manifest can't be read, and the one in force.

    Where that, or a folder taken away by hand, was the one in force, the newest that is whole takes its place, as it
    does where the link is lost. The caller holds the refresh lock.

    Raises:
        UserError: if a file can't be read by this user: that is no damage.
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
    """Names of the folders that were set aside."""
    return sorted(path.name for path in settings.releases.glob(f"{PREFIX}*"))


def _replace(settings: Settings, damaged: str) -> None:
    """Put the newest whole release in force; after a rollback rather another than the one that was left behind.

    The link alone was lost where `damaged` is its name.
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
        log.warning("release %s is in force in the place of %s", other.release_id, damaged)
        return
    (settings.releases / CURRENT).unlink(missing_ok=True)
    log.warning("no whole release is left: the next one is compared with none, look for what it may have lost")


def _put_link_back(settings: Settings) -> None:
    """Set aside what stands where `current` should link to a release; without a link the newest is in force.

    Of a first release that a killed refresh has not come to put in force there is no word of the gate: it is left to
    the refresh.
    """
    path = settings.releases / CURRENT
    if path.is_symlink():
        return
    if path.exists():
        copied = _hide(settings, CURRENT, ["a copy, no link"])
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
    log.warning("release %s is damaged (%s): it is set aside as %s", name, _few(files), aside)
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
