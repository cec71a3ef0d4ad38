"""Rewrite the vault's database: DuckDB leaves deleted rows in freed pages; a new file does not contain them."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from registry.errors import UserError
from registry.system import memory
from registry.system.files import sync
from registry.system.sql import literal
from registry.vault.database import connect_vault, private_files

if TYPE_CHECKING:
    from registry.config.settings import Settings

_PREFIX = "rewrite-"


def compact(settings: Settings) -> None:
    """Copy raw.duckdb into a new file and replace it atomically; needs as much space again.

    If interrupted before that, nothing has changed and `main.not_yet_purged` still requests it.

    Raises:
        UserError: if the disk is full or the vault is in use.
    """
    remove_leftovers(settings)
    try:
        with tempfile.TemporaryDirectory(prefix=_PREFIX, dir=settings.vault_temp) as folder, private_files():
            fresh = Path(folder) / settings.raw_db.name
            with connect_vault(settings) as connection:
                connection.execute("CHECKPOINT vault")  # a log of the old file must not be replayed into the new one
                connection.execute(f"ATTACH {literal(fresh)} AS fresh")
                connection.execute("COPY FROM DATABASE vault TO fresh")
                connection.execute("DELETE FROM fresh.main.not_yet_purged")
                connection.execute("DETACH fresh")
            sync(fresh)
            fresh.replace(settings.raw_db)
        sync(settings.vault)
    except (duckdb.Error, OSError) as error:
        if memory.ran_out(error):
            raise UserError(memory.line("erasing what was forgotten", error, settings.memory_limit)) from None
        raise UserError(
            f"{settings.raw_db} could not be rewritten ({type(error).__name__}), so erased rows can still be "
            "recovered from it: free as much space as the file needs, then run registry refresh"
        ) from None


def remove_leftovers(settings: Settings) -> None:
    """Remove leftovers of an interrupted compaction."""
    for left_behind in settings.vault_temp.glob(_PREFIX + "*"):
        with suppress(OSError):
            shutil.rmtree(left_behind)
