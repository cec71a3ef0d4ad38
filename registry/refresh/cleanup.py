"""Cleanup at the start of a refresh: leftovers of a killed refresh or a damaged disk.

Here: everything outside raw.duckdb and the build file, which DuckDB restores itself. Staged or spilled rows in the
vault are removed while its database is open for writing, so that no other process can be using them.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from registry.config.settings import Settings
from registry.refresh import inputs
from registry.release import candidate, damage, gate_record, pin, retention
from registry.system.disk import TRIAL
from registry.vault.database import connect_vault


def remove_leftovers(settings: Settings) -> None:
    """Remove drafts, spilled rows and half-removed releases, move damaged releases aside, and finish removals.

    The caller holds the lock of the home.
    """
    from registry.release.public import files as public  # and with it all that draws figures

    candidate.remove_leftovers(settings)
    damage.set_aside(settings)
    pin.clear_void(settings)
    retention.remove_old(settings)
    public.remove_leftovers(settings)
    gate_record.draft_of(settings).unlink(missing_ok=True)
    inputs.draft_of(settings.home).unlink(missing_ok=True)
    for draft in settings.vault.glob(".pseudonym.*"):
        draft.unlink(missing_ok=True)
    for trial in settings.home.glob(f"{TRIAL}*"):
        shutil.rmtree(trial, ignore_errors=True)
    _empty(settings.temp)
    if settings.raw_db.exists():
        with connect_vault(settings):
            _empty(settings.vault_temp)


def _empty(folder: Path) -> None:
    for left in folder.iterdir() if folder.is_dir() else ():
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)
