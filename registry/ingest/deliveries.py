"""Find every file in the deliveries folder, by its place and with its hash; the content is not read.

Anything that can't be placed is an error, because skipping a file would lose data.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from registry.config.input_contract import ENTITIES, FORMATS, entity_named
from registry.config.inputs import STUDY_NAME, no_deliveries
from registry.config.settings import is_month
from registry.config.site import PROFILE_NAME, SiteProfile, load_profile
from registry.errors import UserError
from registry.ingest import arrival, names
from registry.system.clock import present_month
from registry.vault.database import connect_vault

if TYPE_CHECKING:
    from registry.config.settings import Settings

_SITE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_ANSWER_KEY = "answer_key.json"
_SHOWN = 3


@dataclass(frozen=True)
class DeliveredFile:
    """One delivered file. `path` is its name in the delivery folder; place = (site, delivery, path).

    `size` and `modified_ns` are from when the file was found, before it was hashed.
    """

    site: str
    delivery: str
    entity: str
    path: str
    absolute: Path
    format: str
    sha256: str
    size: int
    modified_ns: int = 0

    @property
    def place(self) -> tuple[str, str, str]:
        """The identity of a file."""
        return self.site, self.delivery, self.path

    @property
    def where(self) -> str:
        """The place as messages show it."""
        return "/".join(self.place)

    def check_unchanged(self, sha256: str) -> None:
        """Raise UserError if the bytes read are not those that were hashed when the file was found."""
        if sha256 != self.sha256:
            raise UserError(f"{self.where} changed while it was being read: run again when it is complete")


def load_profiles(settings: Settings) -> dict[str, SiteProfile]:
    """The profile of every site folder, by site. A UserError names file, line and key of a mistake."""
    profiles = {}
    for folder in _site_folders(settings):
        _entries(folder, settings.deliveries)  # refuses links that lead out, before the profile is read
        profiles[folder.name] = load_profile(folder)
    return profiles


def discover(settings: Settings, profiles: Mapping[str, SiteProfile] | None = None) -> list[DeliveredFile]:
    """Every delivered file up to `settings.through`, by site, delivery and path; each is hashed once.

    `profiles`: as read before, by site; by default they are read now. Raises UserError for a folder or file name that
    is not accepted, for links out of the deliveries folder, and for unreadable and unfinished files.
    """
    found = find(settings, profiles)
    by_path = {file.absolute: file for file in found}  # a workbook has several entities
    with ThreadPoolExecutor(max_workers=settings.threads) as pool:
        digests = dict(zip(by_path, pool.map(_sha256, by_path.values()), strict=True))
    arrival.refuse_growing(found)
    return [replace(file, sha256=digests[file.absolute]) for file in found]


def find(settings: Settings, profiles: Mapping[str, SiteProfile] | None = None) -> list[DeliveredFile]:
    """Like `discover`, but without opening the files, so without hashes."""
    profiles = load_profiles(settings) if profiles is None else profiles
    found: list[DeliveredFile] = []
    for site in _site_folders(settings):
        if site.name not in profiles:
            continue  # it appeared since the profiles were read: the next refresh finds it
        for delivery in _delivery_folders(settings, site):
            found += _files(settings, site.name, delivery, profiles[site.name])
    _refuse_future(settings, found)
    return sorted(found, key=lambda file: (file.place, file.entity))


def _refuse_future(settings: Settings, found: list[DeliveredFile]) -> None:
    """Raise UserError for a future month, which would move the site's cut-off, unless it is loaded already."""
    present = present_month(settings)
    months = {(file.site, file.delivery) for file in found if file.delivery > present}
    new = sorted("/".join(month) for month in months - _loaded_months(settings, months))
    if new:
        raise UserError(
            f"{', '.join(new[:_SHOWN])}{' and more' if len(new) > _SHOWN else ''}: later than this month "
            f"({present}); rename the folder to the last month that the export covers"
        )


def _loaded_months(settings: Settings, months: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """The months among these that are in the ledger."""
    if not months or not settings.raw_db.exists():
        return set()
    with connect_vault(settings, read_only=True) as connection:
        return set(connection.execute("SELECT DISTINCT site, delivery FROM main.input_file").fetchall())


def _site_folders(settings: Settings) -> list[Path]:
    root = settings.deliveries
    if not root.is_dir():
        raise UserError(no_deliveries(settings.home, root))
    folders: list[Path] = []
    spelled: dict[str, str] = {}
    for path in _entries(root, root):
        if path.is_dir():
            if not _SITE.fullmatch(path.name):
                raise UserError(
                    f"{root}: the folder '{path.name}' is not a valid site name: use only letters, digits, "
                    "_, - and . (at most 64 characters)"
                )
            if other := spelled.get(path.name.casefold()):
                raise UserError(
                    f"{root}: '{other}' and '{path.name}' differ only in capitals, so their patients would "
                    "count twice: move the deliveries of one into the other"
                )
            spelled[path.name.casefold()] = path.name
            folders.append(path)
        elif path.name not in (STUDY_NAME, _ANSWER_KEY):
            raise UserError(
                f"{root}: the file '{path.name}' belongs to no site: move it to <site>/<YYYY-MM>/, "
                "or out of the deliveries"
            )
    return folders


def _delivery_folders(settings: Settings, site: Path) -> list[Path]:
    folders = []
    for path in _entries(site, settings.deliveries):
        if path.is_dir():
            if not is_month(path.name):
                raise UserError(f"{site.name}: the folder '{path.name}' is not a delivery month: rename it to YYYY-MM")
            if settings.through is None or path.name <= settings.through:
                folders.append(path)
        elif path.name == "site.yaml":
            raise UserError(f"{site.name}: site.yaml is not read: rename it to {PROFILE_NAME}")
        elif path.name != PROFILE_NAME:
            raise UserError(
                f"{site.name}: the file '{path.name}' belongs to no delivery: move it to "
                f"{site.name}/<YYYY-MM>/, or out of the deliveries"
            )
    return folders


def _files(settings: Settings, site: str, delivery: Path, profile: SiteProfile) -> Iterator[DeliveredFile]:
    for path in _entries(delivery, settings.deliveries):
        where = f"{site}/{delivery.name}/{path.name}"
        if path.is_dir():
            raise UserError(f"{where}: folders in a delivery are not read: move its files up")
        if not path.is_file():
            raise UserError(f"{where}: not a regular file: deliver a copy of the file itself")
        kind = next((end for end in FORMATS if path.name.lower().endswith(end)), None)
        if kind is None:
            raise UserError(
                f"{where}: unknown file type: deliver {', '.join(FORMATS)}, or move it out of the deliveries"
            )
        name = names.as_place(path.name)
        seen = path.stat()
        yield from (
            DeliveredFile(
                site=site,
                delivery=delivery.name,
                entity=entity,
                path=name,
                absolute=path,
                format=FORMATS[kind],
                sha256="",
                size=seen.st_size,
                modified_ns=seen.st_mtime_ns,
            )
            for entity in _entities(name, kind, profile, where)
        )


def _entities(name: str, kind: str, profile: SiteProfile, where: str) -> list[str]:
    """The entities in a file: from its sheets in site.yml, else from its name."""
    if sheets := profile.sheets_of(name):
        return sorted(set(sheets.values()))
    entity = entity_named(name)
    if entity is None:
        or_sheets = ", or give the entity of each sheet in site.yml (sheets: ...)" if kind == ".xlsx" else ""
        raise UserError(
            f"{where}: its name gives no entity: name it <entity>[_<anything>]{kind} with one of "
            f"{', '.join(ENTITIES)}{or_sheets}"
        )
    return [entity]


def _entries(folder: Path, root: Path) -> list[Path]:
    """Entries of a folder. Raises UserError for a name that is not accepted and a link that leads out of `root`."""
    try:
        found = sorted(name for name in os.listdir(folder) if not names.is_passed_over(name))
    except OSError as error:
        raise UserError(f"{folder} can't be read: {error.strerror}") from None
    names.refuse_unreadable(found, str(folder))
    real_root = os.path.realpath(root)
    entries = []
    for name in found:
        path = folder / name
        if not Path(os.path.realpath(path)).is_relative_to(real_root):
            raise UserError(f"{folder}: '{name}' is a link out of the deliveries folder: deliver a copy")
        if not path.exists():
            raise UserError(f"{folder}: '{name}' is a broken link: deliver the file itself")
        entries.append(path)
    return entries


def _sha256(file: DeliveredFile) -> str:
    try:
        with file.absolute.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except OSError as error:
        raise UserError(f"{file.where} can't be read: {error.strerror}") from None
