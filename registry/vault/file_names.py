"""The names of delivered files, which only the vault has: for a terminal, never for a log, Dagster or a release."""

from __future__ import annotations

from registry.config.settings import Settings
from registry.errors import UserError
from registry.vault.database import connect_vault


def file_names(settings: Settings) -> dict[str, tuple[str, str, str]] | None:
    """File id → site, delivery and name; None if the vault can't be read now."""
    try:
        with connect_vault(settings, read_only=True) as connection:
            rows = connection.execute("SELECT file_id, site, delivery, path FROM input_file").fetchall()
    except (UserError, PermissionError):
        return None
    return {file_id: (site, delivery, path) for file_id, site, delivery, path in rows}
