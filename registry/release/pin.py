"""Going back to an older release, and staying there until there is something new to publish.

A rollback pins `current`: the refresh whose release was left behind would otherwise put it back a month later,
with nothing changed. The pin is lifted by the first refresh with other inputs.

A pin counts only while `current` is the release that it names. That makes every order of events whole: going back
writes the pin first and switches then, going forward switches first and lifts the pin then, so whoever is killed
between the two leaves the state as it was before, or as it is after, and the next writer clears away the rest.
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
    """The release that `current` is held at, and the fingerprint that is not to move it.

    Of a release that was left because its manifest could not be read, the fingerprint's first digits, as in its id.
    """

    release_id: str
    fingerprint: str

    def holds_back(self, fingerprint: str) -> bool:
        """Is this the refresh whose release was left behind?"""
        return fingerprint.startswith(self.fingerprint)


def rollback(settings: Settings, release_id: str) -> Release:
    """Make an older release the current one, at once; it stays current until the inputs change.

    The one that is left may be damaged, or its folder gone.

    Raises:
        UserError: if there is no such release, none at all, or it is not as it was sealed.

    """
    target = load(settings, release_id)
    left = current_id(settings)
    if left is None:
        raise UserError("nothing is published yet: there is nothing to roll back")
    if damaged := verify(target.path):
        raise UserError(
            f"release {release_id} is not as it was sealed ({', '.join(damaged)}): restore it from a backup first; "
            f"{left} stays in force"
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
    """The pin in force, or None; one that an interrupted rollback wrote before it could switch is not in force.

    One that is torn still tells that somebody went back: to `current`, from the newest release. Where the link is lost
    the pin alone tells it.
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
    """Lift the pin."""
    _path(settings).unlink(missing_ok=True)


def lift_if_over(settings: Settings, fingerprint: str) -> None:
    """Lift the pin if the inputs have changed since the rollback, even back to those of the release that it holds."""
    pin = pinned(settings)
    if pin is not None and not pin.holds_back(fingerprint):
        unpin(settings)


def clear_void(settings: Settings) -> None:
    """Remove what an interrupted rollback or refresh left, a draft or a pin not in force; write a torn one again."""
    _draft(settings).unlink(missing_ok=True)
    pin = pinned(settings)
    if pin is None:
        unpin(settings)
    elif _path(settings).read_bytes() != _text(pin).encode():
        log.warning("%s was torn and is written again: %s stays in force", _path(settings), pin.release_id)
        hold(settings, pin)


def is_current_for(settings: Settings, fingerprint: str) -> bool:
    """Whether a refresh of this fingerprint would leave `current` as it is: nothing is to be done."""
    in_force = current(settings)
    if in_force is None:
        return False
    pin = pinned(settings)
    return in_force.fingerprint == fingerprint or (pin is not None and pin.holds_back(fingerprint))


def hold(settings: Settings, pin: Pin) -> None:
    """Write a pin. It is in force once `current` is the release that it names."""
    temporary = _draft(settings)
    temporary.write_text(_text(pin), encoding="utf-8")
    sync(temporary)
    temporary.replace(_path(settings))
    sync(settings.releases)


def _fingerprint(settings: Settings, release_id: str) -> str:
    """Of a release that is left: all of it, or where its manifest can't be read, the digits in its id."""
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
