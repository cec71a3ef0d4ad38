"""Where the deliveries and the study settings of a home are: as named, or as the last refresh used them.

`registry/refresh/inputs.py` writes what a refresh used into `inputs.json` in the home. The file is not in the vault: it
is read before anything is opened, also for users who may read only releases.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from registry.errors import UserError

FILE_NAME = "inputs.json"
STUDY_NAME = "registry.yml"


@dataclass(frozen=True)
class LastInputs:
    """`deliveries`: None if no refresh has recorded it. `config`: None for registry.yml in the deliveries folder."""

    deliveries: Path | None = None
    config: Path | None = None


def last_inputs(home: Path, *, or_none: bool = False) -> LastInputs:
    """What the last refresh of this home used; paths inside the home are stored relative to it, so it can be moved.

    Raises:
        UserError: if the file is damaged; with `or_none` this counts as no record, as does a file that can't be read.
    """
    path = home / FILE_NAME
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        config = stored["config"]
        return LastInputs(home / stored["deliveries"], home / config if config else None)
    except FileNotFoundError:
        return LastInputs()
    except OSError:
        if or_none:
            return LastInputs()
        raise
    except (ValueError, KeyError, TypeError):
        if or_none:
            return LastInputs()
        raise UserError(
            f"{path} is damaged: remove it, then name the folder with the exports: registry refresh --deliveries"
        ) from None


def study_file(given: str | Path | None, last: Path | None, deliveries: Path) -> Path | None:
    """The study settings: those given, else those of the last refresh, else registry.yml in the deliveries, if any.

    Raises:
        UserError: if those given or those of the last refresh are not there, or the file in the deliveries is misnamed.
    """
    if given:
        path = absolute(given)
        if not path.is_file():
            raise UserError(f"{path}: no such study settings; check --config or REGISTRY_CONFIG")
        return path
    if last:
        if not last.is_file():
            raise UserError(
                f"{last}: the study settings of the last refresh are gone: restore them (is the share mounted?), or "
                "name others with --config or REGISTRY_CONFIG"
            )
        return last
    misnamed = deliveries / "registry.yaml"
    if misnamed.exists():
        raise UserError(f"{misnamed} is not read: rename it to {STUDY_NAME}")
    path = deliveries / STUDY_NAME
    return path if path.exists() else None


def no_deliveries(home: Path, deliveries: Path) -> str:
    """What to say if the deliveries folder does not exist."""
    if deliveries == last_inputs(home, or_none=True).deliveries:
        return (
            f"{deliveries}: no such folder, although the last refresh read it: is the share mounted? If the exports "
            "have moved, name their folder with --deliveries"
        )
    return (
        f"{deliveries}: no such folder; put the sites' exports there as <site>/<YYYY-MM>/<entity>.csv, or name their "
        "folder with --deliveries"
    )


def absolute(path: str | Path) -> Path:
    """The absolute path; UserError if it is not UTF-8."""
    text = os.path.abspath(Path(path).expanduser())
    try:
        os.fsencode(text).decode("utf-8")
    except UnicodeDecodeError as error:
        raise UserError(
            f"{error.object.decode('utf-8', 'backslashreplace')}: the path is not UTF-8: rename it"
        ) from None
    return Path(text)
