"""Rollback to an older release, which stays current until there is something new to publish.

A rollback pins `current`: otherwise the next refresh would make the newer release current again although nothing has
changed. The first refresh with other inputs removes the pin.

A pin is valid only while `current` is the release that it names. That makes interruptions safe: a rollback writes the
pin and then switches, a publication switches and then removes the pin. A process killed in between leaves the state
before or the state after, and the next writer removes the rest.
"""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass
from pathlib import Path

from registry.config.settings import Settings
from registry.errors import UserError
from registry.release.files import verify
from registry.release.store import (
    CURRENT,
    Release,
    current,
    current_id,
    find,
    list_releases,
    load,
    point_current,
    sync,
)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pin:
    """The release at which `current` is held, and the fingerprint that must not move it.

    If the manifest of the release that was left can't be read: the fingerprint's first digits, from its id.
    """

    release_id: str
    fingerprint: str

    def holds_back(self, fingerprint: str) -> bool:
        """Whether this is the fingerprint of the release that the rollback left."""
        return fingerprint.startswith(self.fingerprint)


def rollback(settings: Settings, release_id: str) -> Release:
    """Make an older release the current one, at once; it stays current until the inputs change.

    The release that is left may be damaged or missing.

    Raises:
        UserError: if there is no such release, no release at all, or it was modified after publication.

    """
    target = load(settings, release_id)
    left = current_id(settings)
    if left is None:
        raise UserError("nothing is published yet: there is nothing to roll back")
    if damaged := verify(target.path):
        raise UserError(
            f"release {release_id} was modified after publication ({', '.join(damaged)}): restore it from a backup "
            f"first; {left} is still current"
        )
    if left == release_id:
        return target
    new = Pin(release_id, (pinned(settings) or Pin(left, _fingerprint(settings, left))).fingerprint)
    if not new.holds_back(target.fingerprint):
        hold(settings, new)
    point_current(settings, release_id)
    if new.holds_back(target.fingerprint):
        unpin(settings)
    return target


def pinned(settings: Settings) -> Pin | None:
    """The valid pin, or None; one that an interrupted rollback wrote before it switched is not valid.

    A corrupt pin file still means a rollback from the newest release to `current`. If the link is lost, the pin counts.
    """
    try:
        text = _path(settings).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None
    try:
        pin = Pin(**json.loads(text))
    except (ValueError, TypeError):
        in_force, releases = current_id(settings), list_releases(settings)
        return Pin(in_force, releases[0].fingerprint) if in_force and in_force != releases[0].release_id else None
    link = settings.releases / CURRENT
    return None if link.is_symlink() and link.readlink().name != pin.release_id else pin


def unpin(settings: Settings) -> None:
    """Remove the pin."""
    _path(settings).unlink(missing_ok=True)


def lift_if_over(settings: Settings, fingerprint: str) -> None:
    """Remove the pin if the inputs have changed since the rollback, even to those of the release that it holds."""
    pin = pinned(settings)
    if pin is not None and not pin.holds_back(fingerprint):
        unpin(settings)


def clear_void(settings: Settings) -> None:
    """Remove a draft or an invalid pin left by an interrupted rollback or refresh; rewrite a corrupt pin."""
    _draft(settings).unlink(missing_ok=True)
    pin = pinned(settings)
    if pin is None:
        unpin(settings)
    elif _path(settings).read_bytes() != _text(pin).encode():
        log.warning("%s was corrupt and has been rewritten: %s is still current", _path(settings), pin.release_id)
        hold(settings, pin)


def is_current_for(settings: Settings, fingerprint: str) -> bool:
    """Whether a refresh with this fingerprint would leave `current` as it is."""
    in_force = current(settings)
    if in_force is None:
        return False
    pin = pinned(settings)
    return in_force.fingerprint == fingerprint or (pin is not None and pin.holds_back(fingerprint))


def hold(settings: Settings, pin: Pin) -> None:
    """Write a pin. It becomes valid when `current` is the release that it names."""
    temporary = _draft(settings)
    temporary.write_text(_text(pin), encoding="utf-8")
    sync(temporary)
    temporary.replace(_path(settings))
    sync(settings.releases)


def _fingerprint(settings: Settings, release_id: str) -> str:
    """The fingerprint of a release; if its manifest can't be read, the digits in its id."""
    try:
        found = find(settings, release_id)
    except UserError:
        found = None
    return found.fingerprint if found else release_id.rpartition("-")[2]


def _text(pin: Pin) -> str:
    return json.dumps(asdict(pin))


def _path(settings: Settings) -> Path:
    return settings.releases / ".pinned.json"


def _draft(settings: Settings) -> Path:
    return _path(settings).with_suffix(".tmp")
