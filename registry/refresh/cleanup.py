"""What a killed refresh or a damaged disk left behind: put right by the next refresh, before it looks for work.

Here: whatever lies outside raw.duckdb and the build file, which DuckDB restores itself. What was staged or spilled in
the vault goes while its database is open for writing, so that nobody else can be using it.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from registry.config.settings import Settings
from registry.release import candidate, damage, gate_record, pin, retention
from registry.release.public import files as public
from registry.system.disk import TRIAL
from registry.vault.database import connect_vault


def remove_leftovers(settings: Settings) -> None:
    """Clear away drafts, spilled rows, half-removed and damaged releases, and finish what had only to be tidied up.

    The caller holds the lock of the home.
    """
    candidate.remove_leftovers(settings)
    damage.set_aside(settings)
    pin.clear_void(settings)
    retention.remove_old(settings)
    public.remove_leftovers(settings)
    gate_record.draft_of(settings).unlink(missing_ok=True)
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
