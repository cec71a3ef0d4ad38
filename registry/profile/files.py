"""Find the files of a first export: in a site's folder, one delivery, or a loose folder."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from registry.config.input_contract import ENTITIES, FORMATS
from registry.config.inputs import STUDY_NAME
from registry.config.settings import is_month
from registry.config.site import PROFILE_NAME
from registry.errors import UserError
from registry.ingest.names import is_passed_over, refuse_unreadable

_NO_EXPORT = (PROFILE_NAME, STUDY_NAME, "site.yaml", "answer_key.json")
_TEXT_ENDINGS = (".txt", ".tsv", ".tab", ".dat", ".asc")


@dataclass(frozen=True)
class ExportFile:
    """One file of the export. `name`: its path below the folder; `ending`: its extension in lower case."""

    path: Path
    name: str
    ending: str

    @property
    def format(self) -> str:
        """The format of its content: csv, parquet or xlsx."""
        return FORMATS.get(self.ending, "csv")

    @property
    def entity(self) -> str | None:
        """The entity in its name, if the name already follows the registry's rule, or None."""
        stem = self.path.name.lower()
        return next((e for e in ENTITIES if re.match(rf"{e}(_|\.|$)", stem)), None)

    def name_for(self, entity: str) -> str | None:
        """The name under which it can be delivered; None if it can keep its own."""
        stem = self.path.name[: -len(self.ending)] if self.ending else self.path.name
        own = self.entity == entity
        if own and self.ending in FORMATS:
            return None
        return (stem if own else f"{entity}_{stem}") + (self.ending if self.ending in FORMATS else ".csv")


@dataclass(frozen=True)
class Export:
    """The files of the export in order of their names, and the names of those in a format that can't be read."""

    folder: Path
    files: tuple[ExportFile, ...]
    left_out: tuple[str, ...]
    is_loose: bool
    has_profile: bool


def find_export(folder: Path) -> Export:
    """The export in `folder`. Raises UserError if the folder is missing, has no file, or has several sites."""
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; give the folder of the export")
    entries = _entries(folder, folder)
    months = [path for path in entries if path.is_dir() and is_month(path.name)]
    others = [path for path in entries if path.is_dir() and not is_month(path.name)]
    if (
        not months
        and others
        and all(_entries(path, folder) for path in others)
        and not any(p.is_file() for p in entries)
    ):
        raise UserError(f"{folder}: has {len(others)} folders and no file; give the folder of one site or delivery")
    found = [path for path in entries if path.is_file()]
    found += [path for month in months for path in _entries(month, folder) if path.is_file()]
    files, left_out = [], [f"{path.name}/" for path in others]
    for path in found:
        if path.name in _NO_EXPORT:
            continue
        name = str(path.relative_to(folder))
        ending = next((e for e in (*FORMATS, *_TEXT_ENDINGS) if path.name.lower().endswith(e)), None)
        if ending is None:
            left_out.append(name)
        else:
            files.append(ExportFile(path, name, path.name[-len(ending) :].lower()))
    if not files:
        raise UserError(f"{folder}: no file to read; export {', '.join(FORMATS)} into it")
    is_loose = not months and not is_month(folder.resolve().name)
    has_profile = any((place / PROFILE_NAME).exists() for place in (folder, folder.resolve().parent))
    return Export(folder, tuple(files), tuple(left_out), is_loose, has_profile)


def _entries(folder: Path, root: Path) -> list[Path]:
    """Entries of a folder. Raises UserError for a name that is not accepted and a link that leads out of `root`."""
    try:
        found = sorted(name for name in os.listdir(folder) if not is_passed_over(name))
    except OSError as error:
        raise UserError(f"{folder} can't be read: {error.strerror}") from None
    refuse_unreadable(found, str(folder))
    for name in found:
        if not Path(os.path.realpath(folder / name)).is_relative_to(os.path.realpath(root)):
            raise UserError(f"{folder}: '{name}' is a link out of the folder: put a copy there")
    return [folder / name for name in found]
