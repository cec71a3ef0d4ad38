"""How many releases are kept: the study's `keep_releases`, by default all.

Never removed: the current release, the one that it was compared with (needed to check the same inputs again), and the
one that a rollback left.
"""

from __future__ import annotations

import logging
import shutil
import uuid

from registry.config.settings import Settings
from registry.errors import UserError
from registry.release.candidate import REMOVED_PREFIX
from registry.release.pin import pinned
from registry.release.store import Release, current, list_releases, sync

log = logging.getLogger(__name__)


def remove_old(settings: Settings) -> list[str]:
    """Remove the oldest releases beyond the number that the study keeps; returns their ids, oldest first.

    A release is renamed before its files are removed: no reader finds half of one, and a reader that has it open can
    continue. If a release can't be read, nothing is removed.
    """
    keep = settings.study.keep_releases
    if keep is None:
        return []
    try:
        releases = list_releases(settings)
        needed = _needed(settings, releases)
    except UserError as damage:
        log.warning("no old releases were removed: %s", damage)
        return []
    removed = [release.release_id for release in reversed(releases[keep:]) if release.release_id not in needed]
    for release_id in removed:
        hidden = settings.releases / f"{REMOVED_PREFIX}{uuid.uuid4().hex[:8]}"
        (settings.releases / release_id).rename(hidden)
        sync(settings.releases)
        shutil.rmtree(hidden, ignore_errors=True)
    if removed:
        log.info("removed by keep_releases: %s", ", ".join(removed))
    return removed


def _needed(settings: Settings, releases: list[Release]) -> set[str | None]:
    in_force = current(settings)
    if in_force is None:
        return {release.release_id for release in releases}
    pin = pinned(settings)
    left_behind = {release.release_id for release in releases if pin and pin.holds_back(release.fingerprint)}
    return {in_force.release_id, in_force.manifest.get("previous_release_id"), *left_behind}
