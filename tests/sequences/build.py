"""The compiled SQL in dbt's place; what was built of the same rows before is copied."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import duckdb
from faults.driver import build_by_compiled_sql
from integration.compiled_project import CompiledProject
from sequences.killing import Killed

from registry.config.settings import Settings
from registry.refresh import Plan
from registry.vault.database import connect_vault

_WHEN = ("loaded_at", "retracted_at")


class Builder:
    """Builds models; `killed` is the part after which the next build is cut off, in thousandths."""

    def __init__(self, project: CompiledProject, folder: Path) -> None:
        self._project = project
        self._folder = folder
        self.killed = -1

    def __call__(self, plan: Plan, only: Sequence[str] = (), *_: object) -> None:
        """In dbt's place."""
        killed, self.killed = self.killed, -1
        if killed >= 0:
            models = self._project.models
            some = replace(self._project, models=models[: len(models) * killed // 1000])
            build_by_compiled_sql(plan.settings, some, only)
            raise Killed
        if only:
            build_by_compiled_sql(plan.settings, self._project, only)
            return
        known = self._folder / f"{_rows_of(plan.settings)}.duckdb"
        if known.exists():
            _copy(known, plan.settings.warehouse)
        else:
            build_by_compiled_sql(plan.settings, self._project)
            shutil.copy(plan.settings.warehouse, known)


def _copy(known: Path, warehouse: Path) -> None:
    """The models built before, and this build file's own word of what it is."""
    with duckdb.connect(str(warehouse), read_only=True, config={"threads": 1}) as connection:
        generation = connection.execute("SELECT generation FROM build.generation").fetchall()
        stages = connection.execute("SELECT stage, fingerprint FROM build.stage").fetchall()
    shutil.copy(known, warehouse)
    with duckdb.connect(str(warehouse), config={"threads": 1}) as connection:
        connection.execute("DELETE FROM build.generation")
        connection.execute("DELETE FROM build.stage")
        connection.executemany("INSERT INTO build.generation VALUES (?)", generation)
        if stages:
            connection.executemany("INSERT INTO build.stage VALUES (?, ?)", stages)


def _rows_of(settings: Settings) -> int:
    """A hash of every row that the models read."""
    found = []
    with connect_vault(settings, read_only=True) as connection:
        tables = connection.execute(
            "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'vault' AND table_name <> 'plan'"
        ).fetchall()
        for schema, table in sorted(tables):
            columns = connection.execute(f'DESCRIBE "{schema}"."{table}"').fetchall()
            listed = ", ".join(f'"{column[0]}"' for column in columns if column[0] not in _WHEN)
            row = connection.execute(f'SELECT count(*), sum(hash({listed})) FROM "{schema}"."{table}"').fetchone()
            found.append((schema, table, row))
    return hash(tuple(found))
