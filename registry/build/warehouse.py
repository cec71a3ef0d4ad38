"""The build file: made anew when what reads raw rows has changed, otherwise built upon.

Here: what surrounds dbt's work on warehouse.duckdb: whether it may be built upon, of which plan it is, its row counts.
How dbt runs is registry/build/dbt_runner.py's, when it runs orchestration's.
"""

from __future__ import annotations

import duckdb

from registry.config.settings import Settings, connect_options
from registry.system import memory
from registry.system.disk import writing
from registry.vault.database import sweep_spilled


def prepare(settings: Settings, generation: str) -> None:
    """Make the build file ready for a whole build: kept where it is of this generation, otherwise removed.

    Typed rows of files already read are kept between refreshes; they hold only as long as all that read them does.
    Until the build has ended, the file is of no plan.
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
    """Write into the build file that a stage is complete, and of which fingerprint."""
    with writing(settings.warehouse), _open(settings) as connection:
        connection.begin()
        connection.execute("DELETE FROM build.stage WHERE stage = $1", [stage])
        connection.execute("INSERT INTO build.stage VALUES ($1, $2)", [stage, fingerprint])
        connection.commit()


def stages(settings: Settings) -> dict[str, str]:
    """Of which fingerprint each complete stage of the build file is; empty where none is complete."""
    if not settings.warehouse.exists():
        return {}
    with writing(settings.warehouse), _open(settings, read_only=True) as connection:
        try:
            return dict(connection.execute("SELECT stage, fingerprint FROM build.stage").fetchall())
        except duckdb.CatalogException:
            return {}


def _stored_generation(settings: Settings) -> str | None:
    """The generation of the build file; None where it can't be read, so that it is made again."""
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
    """Rows of every table of the build file, by table name; empty where there is no build file yet."""
    if not settings.warehouse.exists():
        return {}
    with _open(settings, read_only=True) as connection:
        found = connection.execute(
            "SELECT table_name, estimated_size FROM duckdb_tables() WHERE NOT internal AND schema_name <> 'build'"
        ).fetchall()
    return {name: int(size) for name, size in found}
