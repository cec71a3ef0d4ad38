"""The build file: rebuilt if the code that reads raw rows has changed, otherwise extended.

Here: whether warehouse.duckdb can be extended, which plan it was built from, its row counts. Not here: how dbt runs
(registry/build/dbt_runner.py), and when (orchestration).
"""

from __future__ import annotations

import duckdb

from registry.config.settings import Settings, connect_options
from registry.system import memory
from registry.system.disk import writing
from registry.vault.database import sweep_spilled


def prepare(settings: Settings, generation: str) -> None:
    """Prepare the build file for a complete build: keep it if it has this generation, otherwise remove it.

    Typed rows of files already read are kept between refreshes, as long as the code and settings that read them are the
    same. Until the build has ended, the file belongs to no plan.
    """
    sweep_spilled(settings)
    path = settings.warehouse
    if path.exists() and _stored_generation(settings) != generation:
        path.unlink()
        path.with_name(path.name + ".wal").unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    is_new = not path.exists()
    with writing(path), _open(settings) as connection:
        if is_new:
            connection.execute("CREATE SCHEMA build")
            connection.execute("CREATE TABLE build.generation AS SELECT ? AS generation", [generation])
        connection.execute("CREATE OR REPLACE TABLE build.stage (stage VARCHAR, fingerprint VARCHAR)")
    path.chmod(0o600)
    settings.temp.mkdir(parents=True, exist_ok=True, mode=0o700)


def mark(settings: Settings, stage: str, fingerprint: str) -> None:
    """Record in the build file that a stage is complete, with its fingerprint."""
    with writing(settings.warehouse), _open(settings) as connection:
        connection.begin()
        connection.execute("DELETE FROM build.stage WHERE stage = $1", [stage])
        connection.execute("INSERT INTO build.stage VALUES ($1, $2)", [stage, fingerprint])
        connection.commit()


def unmark(settings: Settings, stage: str) -> None:
    """Record in the build file that a stage is no longer complete."""
    with writing(settings.warehouse), _open(settings) as connection:
        connection.execute("DELETE FROM build.stage WHERE stage = $1", [stage])


def stages(settings: Settings) -> dict[str, str]:
    """The fingerprint of each complete stage of the build file."""
    if not settings.warehouse.exists():
        return {}
    with writing(settings.warehouse), _open(settings, read_only=True) as connection:
        try:
            return dict(connection.execute("SELECT stage, fingerprint FROM build.stage").fetchall())
        except duckdb.CatalogException:
            return {}


def _stored_generation(settings: Settings) -> str | None:
    """The generation of the build file; None if it can't be read, so that it is rebuilt."""
    try:
        with _open(settings, read_only=True) as connection:
            found = connection.execute("SELECT generation FROM build.generation").fetchone()
    except duckdb.Error as error:
        if memory.ran_out(error):
            raise
        return None
    return found[0] if found else None


def _open(settings: Settings, *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(str(settings.warehouse), read_only=read_only, config=connect_options(settings))


def row_counts(settings: Settings) -> dict[str, int]:
    """Rows of every table of the build file, by table name; empty if there is no build file yet."""
    if not settings.warehouse.exists():
        return {}
    with _open(settings, read_only=True) as connection:
        found = connection.execute(
            "SELECT table_name, estimated_size FROM duckdb_tables() WHERE NOT internal AND schema_name <> 'build'"
        ).fetchall()
    return {name: int(size) for name, size in found}


def row_counts_before(settings: Settings) -> dict[str, int]:
    """Rows of every table before a build; empty if the build file can't be read: the build then replaces it."""
    try:
        return row_counts(settings)
    except duckdb.Error as error:
        if memory.ran_out(error):
            raise
        return {}
