"""The release candidate: a file of its own, copied from the build file, which the gate then judges.

What is published is therefore byte for byte what was audited, whatever happens to the build file meanwhile.
Only `main` and `meta` are copied; work tables stay behind.
"""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path

import duckdb

from registry.config.settings import A_FEW_ROWS, Settings, connect_options
from registry.errors import UserError
from registry.release.content import NOT_COMPARED, tables_of
from registry.system.disk import group_folder
from registry.system.sql import identifier, literal

FILE_NAME = "registry.duckdb"
PREFIX = ".candidate-"
# A release on its way out: no longer a release, its files perhaps still there.
REMOVED_PREFIX = ".removed-"

# Files of this version are read by DuckDB 1.4 and later; the engine's own default would need the newest.
STORAGE_VERSION = "v1.4.0"

# Small tables are stored in a stable order, so that they read the same in every release. Sorting ten million
# rows takes three times as long as copying them and changes nothing: content is compared without order.
_SORTED_UP_TO = 100_000


def build(settings: Settings) -> Path:
    """Copy the published tables of the build file into a new candidate folder; returns its DuckDB file.

    Raises:
        UserError: if there is no build file, or another process has it open.

    """
    if not settings.warehouse.exists():
        raise UserError(f"{settings.warehouse}: nothing is built yet; run registry refresh")
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
    """Remove what a killed process left: half-written candidates, links not yet switched, releases half removed."""
    if not settings.releases.is_dir():
        return
    for left in settings.releases.iterdir():
        if left.name.startswith((PREFIX, REMOVED_PREFIX)):
            shutil.rmtree(left, ignore_errors=True)
        elif left.name.startswith(".current-"):
            left.unlink(missing_ok=True)


def last_delivery(path: Path) -> str:
    """The last month that any site delivered and that is not retracted, YYYY-MM, read from a candidate.

    Raises:
        UserError: if nothing was delivered at all: there is nothing to publish.

    """
    with duckdb.connect(str(path), read_only=True, config=A_FEW_ROWS) as connection:
        try:
            found = connection.execute("SELECT max(delivery) FROM meta.input_file WHERE NOT is_retracted").fetchone()
        except (duckdb.CatalogException, duckdb.BinderException):
            raise UserError(
                "the build file has no table meta.input_file, or an old one; build it again with registry refresh"
            ) from None
    if not found or found[0] is None:
        raise UserError("nothing is delivered yet, or all of it is retracted: there is nothing to publish")
    return str(found[0])


def _copy(settings: Settings, target: Path) -> None:
    settings.temp.mkdir(parents=True, exist_ok=True, mode=0o700)
    with duckdb.connect(config=connect_options(settings)) as connection:
        try:
            connection.execute(f"ATTACH {literal(settings.warehouse)} AS warehouse (READ_ONLY)")
        except duckdb.IOException:
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
