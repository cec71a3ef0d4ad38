"""The release candidate: a copy of the build file's published tables, which the gate then checks.

So the published file is byte for byte the audited one, whatever happens to the build file in the meantime. Only the
schemas `main` and `meta` are copied.
"""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path

import duckdb

from registry.config.settings import A_FEW_ROWS, Settings, connect_options
from registry.errors import UserError
from registry.release.content import NOT_COMPARED, tables_of
from registry.system.disk import group_folder, raise_if_held
from registry.system.sql import identifier, literal

FILE_NAME = "registry.duckdb"
PREFIX = ".candidate-"
# A release that is being removed: its files may still be there.
REMOVED_PREFIX = ".removed-"

# DuckDB 1.4 and later can read this version; the engine's default would need the newest.
STORAGE_VERSION = "v1.4.0"

# Small tables are sorted, so that they look the same in every release. Sorting ten million rows takes three times as
# long as copying them and has no other effect: content is compared without order.
_SORTED_UP_TO = 100_000


def build(settings: Settings) -> Path:
    """Copy the published tables of the build file into a new candidate folder; returns its DuckDB file.

    Raises:
        UserError: if there is no build file, or another process has it open.

    """
    if not settings.warehouse.exists():
        raise UserError(f"{settings.warehouse}: nothing has been built yet; run registry refresh")
    group_folder(settings.releases)
    folder = settings.releases / f"{PREFIX}{uuid.uuid4().hex[:8]}"
    folder.mkdir(mode=0o700)
    try:
        _copy(settings, folder / FILE_NAME)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder / FILE_NAME


def remove_leftovers(settings: Settings) -> None:
    """Remove leftovers of a killed process: half-written candidates, unused links, half-removed releases."""
    if not settings.releases.is_dir():
        return
    for left in settings.releases.iterdir():
        if left.name.startswith((PREFIX, REMOVED_PREFIX)):
            shutil.rmtree(left, ignore_errors=True)
        elif left.name.startswith(".current-"):
            left.unlink(missing_ok=True)


def last_delivery(path: Path) -> str:
    """The last delivered month (YYYY-MM) of any site that is not retracted, read from a candidate.

    Raises:
        UserError: if there is no such month: there is nothing to publish.

    """
    with duckdb.connect(str(path), read_only=True, config=A_FEW_ROWS) as connection:
        try:
            found = connection.execute("SELECT max(delivery) FROM meta.input_file WHERE NOT is_retracted").fetchone()
        except (duckdb.CatalogException, duckdb.BinderException):
            raise UserError(
                "the build file has no table meta.input_file, or an old one; rebuild it with registry refresh"
            ) from None
    if not found or found[0] is None:
        raise UserError("nothing has been delivered yet, or all of it is retracted: there is nothing to publish")
    return str(found[0])


def _copy(settings: Settings, target: Path) -> None:
    settings.temp.mkdir(parents=True, exist_ok=True, mode=0o700)
    with duckdb.connect(config=connect_options(settings)) as connection:
        try:
            connection.execute(f"ATTACH {literal(settings.warehouse)} AS warehouse (READ_ONLY)")
        except duckdb.IOException as error:
            raise_if_held(settings.warehouse, str(error))
            raise UserError(
                f"{settings.warehouse} can't be opened: another process may be building it; try again when it is done"
            ) from None
        connection.execute(f"ATTACH {literal(target)} AS candidate (STORAGE_VERSION '{STORAGE_VERSION}')")
        connection.execute("CREATE SCHEMA candidate.meta")
        for name in tables_of(connection, "warehouse"):
            if name not in NOT_COMPARED:
                source = f"warehouse.{identifier(name)}"
                counted = connection.execute(f"SELECT count(*) FROM {source}").fetchone()
                order = "ORDER BY ALL" if counted and counted[0] <= _SORTED_UP_TO else ""
                connection.execute(f"CREATE TABLE candidate.{identifier(name)} AS SELECT * FROM {source} {order}")
        connection.execute("DETACH candidate")
