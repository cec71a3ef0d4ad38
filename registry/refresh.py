"""The first step of a refresh: read the settings, find the files, and say whether there is anything to do."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from registry import ingest, journal, leftovers, release
from registry.errors import UserError
from registry.fingerprint import refresh_fingerprint
from registry.settings import Settings
from registry.vault import connect_vault
from registry.withdrawal.settling import settle

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plan:
    """What a refresh is about to do."""

    files: tuple[ingest.DeliveredFile, ...]
    n_files_to_load: int
    is_unchanged: bool


def prepare(settings: Settings) -> Plan:
    """Validate everything that is delivered, write the settings in force into the vault, and compare with the release.

    Raises:
        UserError: for a mistake in registry.yml, a site.yml, a folder or file name: one line, nothing changed.
    """
    refuse_to_mix(settings)
    leftovers.sweep(settings)
    files = tuple(ingest.discover(settings))
    profiles = ingest.load_profiles(settings)
    settle(settings)
    to_load = ingest.not_yet_loaded(settings, files, profiles)
    ingest.write_config(settings, profiles)
    current = release.current(settings)
    is_unchanged = not to_load and current is not None and release.stands_for(settings, refresh_fingerprint(settings))
    log.info("%d files delivered, %d to load", len(files), len(to_load))
    journal.record(
        settings, "deliveries_found", files=len(files), files_to_load=len(to_load), is_unchanged=is_unchanged
    )
    return Plan(files=files, n_files_to_load=len(to_load), is_unchanged=is_unchanged)


def refuse_to_mix(settings: Settings) -> None:
    """Keep simulated and real patients apart: a home that holds one kind never takes the other.

    Raises:
        UserError: if what the vault holds and what is delivered are not of one kind.
    """
    if not settings.raw_db.exists():
        return
    with connect_vault(settings, read_only=True) as connection:
        held = connection.execute(
            "SELECT s.is_synthetic FROM config.study AS s WHERE EXISTS (SELECT 1 FROM main.input_file)"
        ).fetchone()
    if held is not None and bool(held[0]) != settings.study.synthetic:
        kind, other = ("synthetic", "real") if held[0] else ("real", "synthetic")
        raise UserError(
            f"{settings.home}: holds {kind} patients and {settings.deliveries} delivers {other} ones; "
            "choose another folder with --home"
        )
