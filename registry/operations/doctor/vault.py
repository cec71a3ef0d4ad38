"""Checks of the vault: access, the key, locks, and leftovers of killed processes."""

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
    """Do all files belong to this user, with modes 0700 and 0600?"""
    if not settings.vault.exists():
        yield ok("no vault yet; the first refresh creates it")
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
        yield wrong(
            f"{counted(len(foreign), 'file')} in {settings.vault} belong to another user: chown them to this user"
        )
    if not open_ones and not foreign:
        yield ok("vault and build file are readable only by their owner")


def key(settings: Settings) -> Iterator[Finding]:
    """Is the key there, valid, and the one that the vault and its tombstones were made with?"""
    path = settings.key_file
    if not settings.raw_db.exists() and not path.exists():
        yield ok("none yet; the first refresh creates it")
        return
    if next_file(settings).exists():
        yield wrong("a key rotation was interrupted: registry refresh completes or undoes it")
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
    """Check the key and the tombstones against the vault's data."""
    with connect_vault(settings, read_only=True) as connection:
        if not matches_vault(connection, keys.pseudonym):
            return wrong(f"{settings.key_file} is not the key of this vault: registry key restore FILE")
        try:
            known = tombstones.read(settings, keys.tombstone, connection)
            left = connection.execute("SELECT count(*) FROM main.not_yet_purged").fetchone()
            applied = connection.execute("SELECT count(*) FROM main.applied_tombstone").fetchone()
        except duckdb.CatalogException:
            return look("the vault was made by an earlier version of the registry: registry refresh updates it")
    if left != (0,) or applied != (len(known.hashes),):
        return wrong(
            "a forgotten patient or an ignored column is not fully erased yet: registry refresh completes this"
        )
    return ok(f"{key_id(keys.pseudonym)}, matches the vault")


def locks(settings: Settings) -> Iterator[Finding]:
    """Is a process running, or did one exit without releasing the lock?"""
    if lock.is_held(settings):
        yield look(f"running: {lock.describe_holder(settings)}")
    elif (holder := lock.last_holder(settings)) and not _has_ended(settings, holder):
        yield look(
            f"{lock.describe_holder(settings)}, exited without releasing the lock; the next refresh will clean up"
        )
    else:
        yield ok("no process is running")


def _has_ended(settings: Settings, holder: Mapping[str, Any]) -> bool:
    """Whether the event log has the end of this holder's refresh: a run of UI or sensor leaves its lock entry."""
    process, since, by = holder.get("pid"), str(holder.get("since")), str(holder.get("by"))
    return any(
        entry.get("event") == "refresh_ended"
        and str(entry.get("at")) >= since[:19]
        and (entry.get("process") == process or by.endswith(f" {str(entry.get('run'))[:8]}"))
        for entry in event_log.entries(settings)
    )


def left_overs(settings: Settings) -> Iterator[Finding]:
    """Did a killed process leave anything: half-written candidates, spilled rows, a write-ahead log?"""
    if lock.is_held(settings):
        yield ok("not checked while a refresh is running")
        return
    folders = (settings.vault_temp, settings.temp)
    found: list[Path] = [path for folder in folders if folder.is_dir() for path in folder.iterdir()]
    if settings.releases.is_dir():
        found += [path for path in settings.releases.iterdir() if path.name.startswith((PREFIX, ".current-"))]
    logs = [path.with_name(path.name + ".wal") for path in (settings.raw_db, settings.warehouse)]
    found += [path for path in logs if path.exists()]
    found += settings.home.glob(f"{TRIAL}*")
    if found:
        yield look(
            f"{counted(len(found), 'file')} of a killed process, first {found[0]}: registry refresh removes them"
        )
    else:
        yield ok("none")
