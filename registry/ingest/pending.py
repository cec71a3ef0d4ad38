"""Compare files with the ledger: which are not loaded yet, and which have disappeared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from registry.config.input_contract import ENTITIES
from registry.config.site import SiteProfile
from registry.ingest import ledger
from registry.ingest.deliveries import DeliveredFile
from registry.vault.database import connect_vault

if TYPE_CHECKING:
    from registry.config.settings import Settings


def not_yet_loaded(
    settings: Settings, files: Iterable[DeliveredFile], profiles: Mapping[str, SiteProfile]
) -> list[DeliveredFile]:
    """The files that have no current version in the ledger with the same bytes, read in the same way."""
    delivered = list(files)
    if not settings.raw_db.exists():
        return delivered
    current: set[tuple[str, str, str, str, str]] = set()
    with connect_vault(settings, read_only=True) as connection:
        for entity in ENTITIES:
            for place, versions in ledger.versions(connection, entity).items():
                current |= {(*place, version.sha256, version.read_as) for version in versions if version.is_current}
    return [
        file
        for file in delivered
        if (*file.place, file.sha256, ledger.read_as(file, profiles[file.site])) not in current
    ]


def no_longer_there(settings: Settings, files: Iterable[DeliveredFile]) -> list[ledger.Place]:
    """Places up to `settings.through` whose current file is not among these, except retracted ones."""
    if not settings.raw_db.exists():
        return []
    with connect_vault(settings, read_only=True) as connection:
        loaded = set(connection.execute("SELECT site, delivery, path FROM main.input_file WHERE is_current").fetchall())
        retracted = ledger.retractions(connection)
    return sorted(
        place
        for place in loaded - {file.place for file in files}
        if not ledger.is_retracted(retracted, place) and (settings.through is None or place[1] <= settings.through)
    )
