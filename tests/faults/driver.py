"""A whole refresh in a few seconds: the steps that Dagster's assets call, with the compiled SQL in dbt's place.

Dagster and dbt take twenty seconds to start, too long for hundreds of refreshes that are killed. The rest is the
product's own: lock, plan, loading, statistics, candidate, gate, release.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

import duckdb
from integration.compiled_project import CompiledProject, has_formats

from registry import refresh
from registry.config.settings import Settings, load_settings
from registry.system import lock

_VIEWS = "SELECT schema_name, view_name FROM duckdb_views() WHERE NOT internal AND database_name = current_database()"


def run(home: Path, project: CompiledProject, enter: Callable[[str], None] = lambda _: None) -> str:
    """Refresh a home; `unchanged`, or what became of the candidate. `enter` is told each stage."""
    settings = load_settings(home=home)
    lock.acquire(settings, "registry refresh", wait=False)
    try:
        enter("plan")
        plan = refresh.make_plan(settings, "run")
        if refresh.is_up_to_date(plan):
            return "unchanged"
        return refresh.run(
            plan, run_dbt=lambda plan, *_: build_by_compiled_sql(plan.settings, project), enter=enter
        ).status
    finally:
        lock.release(settings)


def build_by_compiled_sql(settings: Settings, project: CompiledProject, only: Collection[str] = ()) -> None:
    """Every seed and model, or these alone, made in the build file as it was left, one statement each, as by dbt."""
    with duckdb.connect(str(settings.warehouse), config={"threads": 1}) as connection:
        connection.execute(f"ATTACH '{project.seeded}' AS seeded (READ_ONLY)")
        connection.execute(f"ATTACH '{settings.raw_db}' AS vault (READ_ONLY)")
        seeds = connection.execute(
            "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'seeded'"
        ).fetchall()
        schemas = connection.execute(
            "SELECT schema_name FROM duckdb_schemas() WHERE database_name = 'seeded' AND NOT internal"
        ).fetchall()
        for (schema,) in schemas:
            connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
        for schema, name in connection.execute(_VIEWS).fetchall():  # of a build by dbt
            connection.execute(f'DROP VIEW "{schema}"."{name}"')
        for schema, name in seeds:
            if schema != "build" and not only:
                connection.execute(f'CREATE OR REPLACE TABLE "{schema}"."{name}" AS FROM seeded."{schema}"."{name}"')
        with_formats = has_formats(connection)
        for model in project.models if not only else [one for one in project.models if one.name in only]:
            sql = model.sql_with_formats if with_formats else model.sql
            connection.execute(f"CREATE OR REPLACE TABLE {model.relation} AS {sql}")
