"""Erase patients with a tombstone from the vault: after a withdrawal, an interrupted withdrawal, or a restore."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from registry.system import event_log
from registry.vault import tombstones as files
from registry.vault.compaction import compact, remove_leftovers
from registry.vault.database import connect_vault, sweep_spilled
from registry.vault.erasure import erase_everywhere
from registry.vault.keys import ensure_keys

if TYPE_CHECKING:
    import duckdb

    from registry.config.settings import Settings


def apply_tombstones(settings: Settings) -> int:
    """Erase patients with a tombstone not yet applied to this vault, and purge their rows; returns rows erased.

    The caller holds the refresh lock. Fast if there is nothing to do.

    Raises:
        UserError: if the vault can't be written, or the tombstones were made with another key.
    """
    if not settings.raw_db.exists():
        return 0
    keys = ensure_keys(settings)
    n_rows = 0
    with connect_vault(settings) as connection:
        known = files.read(settings, keys.tombstone, connection)
        files.write(settings, known)
        applied = {row[0] for row in connection.execute("SELECT tombstone FROM main.applied_tombstone").fetchall()}
        new = sorted(known.hashes - applied)
        if new:
            connection.begin()
            n_rows = erase_everywhere(connection, known)
            connection.execute("INSERT INTO main.applied_tombstone SELECT unnest($new)", {"new": new})
            connection.commit()
        is_to_purge = _count(connection, "main.not_yet_purged") > 0
    if new:
        remove_build(settings)
    if is_to_purge:
        compact(settings)
        event_log.record(settings, "vault_purged", rows_erased=n_rows, patients=len(new))
    remove_leftovers(settings)
    return n_rows


def remove_build(settings: Settings) -> None:
    """Remove the build file, which will be rebuilt, and anything that quotes rows: dbt's logs, errors, spilled rows."""
    for path in (settings.warehouse, settings.warehouse.with_name(settings.warehouse.name + ".wal")):
        path.unlink(missing_ok=True)
    shutil.rmtree(settings.temp, ignore_errors=True)
    sweep_spilled(settings)
    for folder in (settings.dbt_runs, settings.vault_errors):
        shutil.rmtree(folder, ignore_errors=True)


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(row[0]) if row else 0
