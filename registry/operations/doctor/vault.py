"""The vault: who may read it, whether the key is the right one, and what a killed process left behind."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from registry.operations.doctor.finding import Finding, look, ok, wrong
from registry.release.candidate import PREFIX
from registry.system import event_log, lock
from registry.system.disk import TRIAL
from registry.system.text import counted
from registry.vault import tombstones
from registry.vault.database import connect_vault
from registry.vault.keys import Keys, matches_vault, next_file, read_keys
from registry.vault.pseudonyms import key_id

if TYPE_CHECKING:
    from registry.config.settings import Settings


def access(settings: Settings) -> Iterator[Finding]:
    """Folders 0700, files 0600, all of this user."""
    if not settings.vault.exists():
        yield ok("no vault yet; the first refresh makes it")
        return
    private = [settings.vault, *settings.vault.rglob("*")]
    if settings.warehouse.exists():
        private.append(settings.warehouse)
    if settings.given_key_file is not None and settings.given_key_file.exists():
        private.append(settings.given_key_file)
    open_ones = [path for path in private if not path.is_symlink() and path.stat().st_mode & 0o077]
    foreign = [path for path in private if path.lstat().st_uid != os.getuid()]
    for path in open_ones:
        yield wrong(f"others may read {path}: chmod {'700' if path.is_dir() else '600'} {path}")
    if foreign:
        yield wrong(f"{counted(len(foreign), 'file')} in {settings.vault} belong to another user: chown them to yours")
    if not open_ones and not foreign:
        yield ok("vault and build file are readable by their owner alone")


def key(settings: Settings) -> Iterator[Finding]:
    """There, a key, and the one that the vault was loaded with; as are the tombstones."""
    path = settings.key_file
    if not settings.raw_db.exists() and not path.exists():
        yield ok("none yet; the first refresh makes it")
        return
    if next_file(settings).exists():
        yield wrong("a rotation of the key was cut off: registry refresh completes or undoes it")
        return
    if not path.exists():
        yield wrong(f"{path} is missing: registry key restore FILE; without a backup: registry key rotate --lost")
        return
    keys = read_keys(path)
    if lock.is_held(settings):
        yield look("not compared with the vault, which is in use")
    elif settings.raw_db.exists():
        yield _against_vault(settings, keys)
    else:
        yield ok(f"{key_id(keys.pseudonym)}; nothing is loaded yet")


def _against_vault(settings: Settings, keys: Keys) -> Finding:
    """The key and the tombstones, held to the vault's data."""
    with connect_vault(settings, read_only=True) as connection:
        if not matches_vault(connection, keys.pseudonym):
            return wrong(f"{settings.key_file} is not the key of this vault: registry key restore FILE")
        try:
            known = tombstones.read(settings, keys.tombstone, connection)
            left = connection.execute("SELECT count(*) FROM main.not_yet_purged").fetchone()
            applied = connection.execute("SELECT count(*) FROM main.applied_tombstone").fetchone()
        except duckdb.CatalogException:
            return look("the vault is of an earlier version of the registry: registry refresh brings it up to date")
    if left != (0,) or applied != (len(known.hashes),):
        return wrong("a forgotten patient or an ignored column is not wholly erased yet: registry refresh finishes it")
    return ok(f"{key_id(keys.pseudonym)}, the one that the vault was loaded with")


def locks(settings: Settings) -> Iterator[Finding]:
    """Who is at work, and whether somebody died at it."""
    if lock.is_held(settings):
        yield look(f"at work: {lock.describe_holder(settings)}")
    elif (holder := lock.last_holder(settings)) and not _has_ended(settings, holder):
        yield look(f"{lock.describe_holder(settings)}, ended without a word; the next refresh clears up after it")
    else:
        yield ok("nobody is at work")


def _has_ended(settings: Settings, holder: Mapping[str, Any]) -> bool:
    """Does the journal have the end of this holder's refresh? A run of the UI or the sensor gives no lock back."""
    process, since, by = holder.get("pid"), str(holder.get("since")), str(holder.get("by"))
    return any(
        entry.get("event") == "refresh_ended"
        and str(entry.get("at")) >= since[:19]
        and (entry.get("process") == process or by.endswith(f" {str(entry.get('run'))[:8]}"))
        for entry in event_log.entries(settings)
    )


def left_overs(settings: Settings) -> Iterator[Finding]:
    """What a killed process left: half-written candidates, spilled rows, a log not yet folded in."""
    if lock.is_held(settings):
        yield ok("not looked for while a refresh is at work")
        return
    folders = (settings.vault_temp, settings.temp)
    found: list[Path] = [path for folder in folders if folder.is_dir() for path in folder.iterdir()]
    if settings.releases.is_dir():
        found += [path for path in settings.releases.iterdir() if path.name.startswith((PREFIX, ".current-"))]
    logs = [path.with_name(path.name + ".wal") for path in (settings.raw_db, settings.warehouse)]
    found += [path for path in logs if path.exists()]
    found += settings.home.glob(f"{TRIAL}*")
    if found:
        yield look(f"{counted(len(found), 'file')} of a killed process, {found[0]} first: registry refresh clears them")
    else:
        yield ok("none")
