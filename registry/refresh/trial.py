"""What the next refresh would make of the deliveries, tried on a copy of the vault that is thrown away."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import psutil

from registry.build.render import build_in_memory
from registry.config.input_contract import ENTITIES
from registry.config.settings import Settings
from registry.errors import UserError
from registry.ingest import LoadResult
from registry.refresh.plan import Plan, make_plan
from registry.refresh.steps import load_entity
from registry.vault.apply_tombstones import apply_tombstones
from registry.vault.database import connect_vault, secure_vault

PREFIX = "check-"
"""Of the folder in the vault in which deliveries are tried; the number of the process follows."""


@dataclass(frozen=True)
class Trial:
    """Deliveries as loaded and judged.

    connection: to the copy of the vault, with the models as database `built`.
    loaded: by entity. unread: the error of each file that can't be read.
    """

    plan: Plan
    connection: duckdb.DuckDBPyConnection
    loaded: dict[str, LoadResult]
    unread: tuple[str, ...]


@contextmanager
def trial(settings: Settings, models: Collection[str], site: str | None = None) -> Iterator[Trial]:
    """Load what a refresh would load into a copy of the vault, and build these models in memory from it.

    Nothing of the home changes. Rows as sent are only in a private folder of the vault, which is removed at the end.

    Args:
        settings: the registry; it need not have been refreshed before.
        models: names of models; what they are made from is built too.
        site: load the files of this site only.

    Raises:
        UserError: if there is no such site, or a refresh is running.
    """
    with _folder(settings) as folder:
        key_file = settings.given_key_file
        tried = replace(settings, home=folder, given_key_file=key_file if key_file and key_file.exists() else None)
        _copy_vault(settings, tried)
        plan = _of_site(make_plan(tried, str(uuid.uuid4()), accept_missing=True), site)
        with connect_vault(tried) as connection:
            loaded, unread = _load(plan)
            apply_tombstones(tried)
            connection.execute("ATTACH ':memory:' AS built")
            connection.execute("USE built")
            build_in_memory(connection, models)
            connection.execute("USE vault")
            yield Trial(plan, connection, loaded, tuple(unread))


def _of_site(plan: Plan, site: str | None) -> Plan:
    if site is None:
        return plan
    if site not in plan.profiles:
        raise UserError(f"{site}: no such site; known: {', '.join(sorted(plan.profiles)) or 'none'}")
    return replace(plan, files=tuple(file for file in plan.files if file.site == site))


def _load(plan: Plan) -> tuple[dict[str, LoadResult], list[str]]:
    """Load every file that can be read; a refresh stops at the first that can't."""
    loaded, unread = {}, []
    for entity in ENTITIES:
        while entity not in loaded:
            try:
                loaded[entity] = load_entity(plan, entity)
            except UserError as error:
                bad = {file.where for file in plan.files if file.where in str(error)}
                if not bad:
                    raise
                unread.append(str(error))
                plan = replace(plan, files=tuple(file for file in plan.files if file.where not in bad))
    return loaded, unread


def _copy_vault(settings: Settings, tried: Settings) -> None:
    if not settings.raw_db.exists():
        return
    tried.vault.mkdir(mode=0o700)
    with connect_vault(settings, read_only=True):  # nobody writes to it meanwhile
        for path in (settings.raw_db, settings.vault / tried.key_file.name, settings.tombstones):
            if path.exists():
                shutil.copy(path, tried.vault / path.name)


@contextmanager
def _folder(settings: Settings) -> Iterator[Path]:
    """A private folder in the vault; also removes those of processes that are gone."""
    is_new = not settings.vault.exists()
    secure_vault(settings)
    for left in settings.vault_temp.glob(f"{PREFIX}*"):
        if not psutil.pid_exists(int(left.name.removeprefix(PREFIX))):
            shutil.rmtree(left, ignore_errors=True)
    folder = settings.vault_temp / f"{PREFIX}{os.getpid()}"
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):  # a home of a registry that was never refreshed is not left behind
            for path in (settings.vault_temp, settings.vault, settings.home) if is_new else ():
                path.rmdir()
