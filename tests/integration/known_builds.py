"""The compiled SQL in dbt's place; what was built of the same rows before is copied.

Homes with the same key (`SAME_KEY`) and the same deliveries have the same rows, so tests share builds.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import gettempdir, mkdtemp

import duckdb
from faults.driver import build_by_compiled_sql
from integration.compiled_project import CompiledProject, compiled_project

from registry.config.settings import Settings
from registry.refresh import Plan
from registry.statistics.marts import MARTS, write_statistics
from registry.vault.database import connect_vault

_WHEN = ("loaded_at", "retracted_at")
SAME_KEY = "5a" * 32


class Killed(BaseException):
    """Raised inside the work."""


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
        self._once("models", plan.settings, lambda: build_by_compiled_sql(plan.settings, self._project))

    def statistics(self, settings: Settings) -> dict[str, int]:
        """In the place of `statistics.write_statistics`."""
        self._once("statistics", settings, lambda: write_statistics(settings))
        return dict.fromkeys(MARTS, 0)

    def _once(self, what: str, settings: Settings, work: Callable[[], object]) -> None:
        known = self._folder / f"{what}-{_rows_of(settings)}.duckdb"
        if known.exists():
            _copy(known, settings.warehouse)
        else:
            work()
            draft = known.with_name(uuid.uuid4().hex)
            shutil.copy(settings.warehouse, draft)
            draft.rename(known)


@cache
def shared_builder() -> Builder:
    """The one of a test run, for all its workers."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    folder = Path(gettempdir()) / f"known-builds-{run}" if run else Path(mkdtemp(prefix="known-builds-"))
    folder.mkdir(exist_ok=True)
    return Builder(compiled_project(), folder)


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


def _rows_of(settings: Settings) -> str:
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
    return hashlib.sha256(repr(found).encode()).hexdigest()
