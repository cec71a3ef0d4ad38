"""What the next refresh would make of the deliveries, tried on a copy of the vault that is thrown away."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from registry.build.render import build_in_memory
from registry.config.input_contract import ENTITIES
from registry.config.settings import Settings
from registry.errors import UserError
from registry.refresh.plan import Plan, make_plan
from registry.refresh.steps import load_entity
from registry.system import lock
from registry.vault.apply_tombstones import apply_tombstones
from registry.vault.database import connect_vault, secure_vault


@dataclass(frozen=True)
class Trial:
    """Deliveries as loaded and judged.

    connection: to the copy of the vault, with the models as database `built`.
    n_files: how many were not loaded yet. unread: the error of each that can't be read.
    """

    plan: Plan
    connection: duckdb.DuckDBPyConnection
    n_files: int
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
            n_files = len(plan.to_load())
            unread = _load(plan)
            apply_tombstones(tried)
            connection.execute("ATTACH ':memory:' AS built")
            connection.execute("USE built")
            build_in_memory(connection, models)
            connection.execute("USE vault")
            yield Trial(plan, connection, n_files, unread)


def _of_site(plan: Plan, site: str | None) -> Plan:
    if site is None:
        return plan
    if site not in plan.profiles:
        raise UserError(f"{site}: no such site; known: {', '.join(sorted(plan.profiles)) or 'none'}")
    return replace(plan, files=tuple(file for file in plan.files if file.site == site))


def _load(plan: Plan) -> tuple[str, ...]:
    """Load every file that can be read, where a refresh stops at the first that can't; the errors of the others."""
    unread: list[str] = []
    for entity in ENTITIES:
        while True:
            try:
                load_entity(plan, entity)
                break
            except UserError as error:
                bad = {file.where for file in plan.files if file.where in str(error)}
                if not bad:
                    raise
                unread.append(str(error))
                plan = replace(plan, files=tuple(file for file in plan.files if file.where not in bad))
    return tuple(unread)


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
    """A private folder in the vault, under the refresh lock: a refresh would remove it with what others left behind."""
    is_new = not settings.home.exists()
    lock.acquire(settings, "registry check", wait=False)
    secure_vault(settings)
    try:
        with TemporaryDirectory(prefix="check-", dir=settings.vault_temp) as folder:
            yield Path(folder)
    finally:
        lock.release(settings)
        if is_new:  # nothing stays of the home of a registry that was never refreshed
            with suppress(OSError):
                settings.lock_file.unlink()
                for path in (settings.vault_temp, settings.vault, settings.home):
                    path.rmdir()
