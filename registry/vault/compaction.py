"""The vault's database written anew: DuckDB leaves deleted rows in freed pages, a fresh file never had them."""

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
    """Copy what raw.duckdb holds into a new file and put it in its place, at once; needs as much space again.

    Cut off before the exchange, nothing has changed and `main.not_yet_purged` still asks for it.

    Raises:
        UserError: where the disk is full or the vault is in use.
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
            f"{settings.raw_db} could not be written anew ({type(error).__name__}), and erased rows can still be "
            "found in it: free as much space as it takes, then run registry refresh"
        ) from None


def remove_leftovers(settings: Settings) -> None:
    """Remove what a killed rewriting left behind."""
    for left_behind in settings.vault_temp.glob(_PREFIX + "*"):
        with suppress(OSError):
            shutil.rmtree(left_behind)
