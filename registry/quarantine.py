"""Rows held back, for the data manager: which record of which file, and why in plain words; never a value."""

from __future__ import annotations

import csv
from typing import Any

import duckdb

from registry.contract import ENTITIES
from registry.errors import UserError
from registry.paths import SEEDS
from registry.settings import Settings
from registry.vault import connect_vault

COLUMNS = ["site", "delivery", "entity", "file", "record", "reasons", "meaning"]


def reasons() -> dict[str, str]:
    """Every reason code with its meaning and remedy, from the seed `quarantine_reasons`."""
    with (SEEDS / "quarantine_reasons.csv").open(newline="") as file:
        return {row["reason"]: f"{row['meaning']}. {row['remedy']}." for row in csv.DictReader(file)}


def held_back(
    settings: Settings, *, entity: str | None = None, reason: str | None = None
) -> tuple[list[str], list[list[Any]]]:
    """Rows quarantined at the last build, with their file's name from the vault.

    Args:
        settings: the registry.
        entity: only rows of this entity.
        reason: only rows with this reason code.

    Returns:
        Column names, and rows ordered by site, delivery, file and record.

    Raises:
        UserError: for an unknown entity or reason, or where nothing was built yet.
    """
    meanings = reasons()
    if entity is not None and entity not in ENTITIES:
        raise UserError(f"--entity {entity}: unknown; use one of {', '.join(ENTITIES)}")
    if reason is not None and reason not in meanings:
        raise UserError(f"--reason {reason}: unknown; use one of {', '.join(sorted(meanings))}")
    if not settings.warehouse.exists():
        raise UserError(f"{settings.warehouse}: nothing was built yet; run: registry refresh")
    with connect_vault(settings, read_only=True) as connection:
        ledger = connection.execute("SELECT * FROM input_file WHERE is_current")
        columns = [column[0] for column in ledger.description]
        entries = [dict(zip(columns, values, strict=True)) for values in ledger.fetchall()]
    files = {entry["file_no"]: entry for entry in entries}
    try:
        with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
            found = connection.execute(
                "SELECT file_no, entity, record_number, reasons FROM intermediate.int_set_aside "
                "WHERE disposition = 'quarantined' ORDER BY file_no, record_number"
            ).fetchall()
    except duckdb.Error:
        raise UserError(
            f"{settings.warehouse}: can't be read now; wait for the refresh under way, or run: registry refresh"
        ) from None
    rows = []
    for file_no, of_entity, record_number, codes in found:
        listed = codes.split(",")
        if (entity and of_entity != entity) or (reason and reason not in listed):
            continue
        file = files.get(file_no, {})
        site, delivery, path = (file.get(name, "") for name in ("site", "delivery", "path"))
        # a wide file numbers its cells; a vault that was not written to since it can hold such files has none
        record = (record_number - 1) // (file.get("cells_per_record") or 1) + 1
        rows.append([site, delivery, of_entity, path, record, codes, " ".join(meanings[code] for code in listed)])
    return COLUMNS, sorted(rows, key=lambda row: [str(row[0]), str(row[1]), str(row[3]), row[4]])
