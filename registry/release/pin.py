"""Going back to an older release, and staying there until there is something new to publish.

A rollback pins `current`: the refresh whose release was left behind would otherwise put it back a month later,
with nothing changed. The pin is lifted by the first refresh with other inputs.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from registry.errors import UserError
from registry.release.store import Release, current, load, point_current
from registry.settings import Settings

_PIN = ".pinned.json"


@dataclass(frozen=True)
class Pin:
    """The release that `current` is held at, and the fingerprint that is not to move it."""

    release_id: str
    fingerprint: str


def rollback(settings: Settings, release_id: str) -> Release:
    """Make an older release the current one, at once; it stays current until the inputs change.

    Raises:
        UserError: if there is no such release, or none at all.

    """
    target = load(settings, release_id)
    left = current(settings)
    if left is None:
        raise UserError("nothing is published yet: there is nothing to roll back")
    if left.release_id == release_id:
        return left
    pin = pinned(settings)
    newest = pin.fingerprint if pin else left.fingerprint
    if target.fingerprint == newest:
        unpin(settings)
    else:
        path = settings.releases / _PIN
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps(asdict(Pin(release_id, newest))), encoding="utf-8")
        temporary.replace(path)
    point_current(settings, release_id)
    return target


def pinned(settings: Settings) -> Pin | None:
    """The pin in force, or None."""
    path: Path = settings.releases / _PIN
    try:
        return Pin(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError):
        raise UserError(f"{path} can't be read: remove it, and roll back again if need be") from None


def unpin(settings: Settings) -> None:
    """Lift the pin."""
    (settings.releases / _PIN).unlink(missing_ok=True)


def stands_for(settings: Settings, fingerprint: str) -> bool:
    """Whether a refresh of this fingerprint would leave `current` as it is: nothing is to be done."""
    in_force = current(settings)
    if in_force is None:
        return False
    pin = pinned(settings)
    return in_force.fingerprint == fingerprint or (
        pin is not None and pin.release_id == in_force.release_id and pin.fingerprint == fingerprint
    )
