"""SQL queries on a release, read-only and isolated from everything else.

`registry sql` needs only this module: it must not import Dagster, dbt or Great Expectations (a test checks this).
"""

from __future__ import annotations

import re
from concurrent.futures import Future, wait
from pathlib import Path
from threading import Thread
from typing import Any

import duckdb

from registry.config.settings import Settings
from registry.errors import UserError
from registry.release.content import NOT_COMPARED
from registry.release.store import current, load

# Set before the file is opened: no folder for extensions and secrets, no access to this process's variables, and no
# spilling to disk, because SQL could write to any folder named here.
_SHUT_OFF: dict[str, str | int | bool | float | list[str]] = {
    "temp_directory": "",
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,
    "allow_persistent_secrets": False,
    "secret_directory": "none",
    "extension_directory": "none",
}
# Set once it is open. Without external access DuckDB could still write the open database's own files, such as its
# write-ahead log; without a file system it can write none.
_LOCKED = (
    "SET enable_external_access = false; SET disabled_filesystems = 'LocalFileSystem'; SET lock_configuration = true"
)
_PROPOSAL = re.compile(r"(Candidate bindings|Candidate tables|Candidate Entries|Did you mean)[: ]+(.*?)\??")


def query(
    settings: Settings,
    sql: str,
    release_id: str | None = None,
    parameters: dict[str, Any] | None = None,
    seconds: float | None = None,
    *,
    refused: bool = False,
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Run a query on a release, by default the current one, or on the refused build; returns column names and rows.

    `parameters` are the values of the query's $names; the query is stopped after `seconds`. The file is opened
    read-only, with bounded memory and without access to files, the network, extensions or this process's variables. SQL
    can't change that.

    Raises:
        UserError: if there is no release or refused build, or the query fails; in one line.

    """
    what, database = _refused(settings) if refused else _released(settings, release_id)
    config = {**_SHUT_OFF, "memory_limit": settings.memory_limit, "threads": settings.threads}
    try:
        with duckdb.connect(str(database), read_only=True, config=config) as connection:
            connection.execute(_LOCKED)
            match len(duckdb.extract_statements(sql)):
                case 0:
                    raise UserError("the query has no statement, only blanks or comments")
                case 1:
                    pass
                case _:
                    raise UserError("the query has more than one statement: run one at a time")
            if refused:
                _require_published(connection, sql, database.stem)
            return _answer(connection, sql, parameters, seconds)
    except TimeoutError:
        raise UserError(f"{what}: the query was stopped after {seconds:g} seconds; allow more with --timeout") from None
    except duckdb.OutOfMemoryException:
        raise UserError(
            f"{what}: the query needs more memory than {settings.memory_limit}: ask for less, or "
            "raise REGISTRY_MEMORY_LIMIT"
        ) from None
    except duckdb.Error as error:
        raise UserError(f"{what}: {in_one_line(error)}") from None


def in_one_line(error: duckdb.Error) -> str:
    """The error's first line, and the names that DuckDB proposes instead of an unknown one.

    Only errors about names propose any: a later line of another error may quote a value.
    """
    first, *others = str(error).strip().splitlines()
    if isinstance(error, (duckdb.BinderException, duckdb.CatalogException)):
        for line in others:
            if found := _PROPOSAL.fullmatch(line.strip()):
                return f"{first.rstrip('.!')}. {found[1]}: {found[2]}"
    return first


def _released(settings: Settings, release_id: str | None) -> tuple[str, Path]:
    """A release in words, and its database."""
    release = load(settings, release_id) if release_id else current(settings)
    if release is None:
        raise UserError("nothing is published yet: run registry refresh first")
    return f"release {release.release_id}", release.database


def _refused(settings: Settings) -> tuple[str, Path]:
    """The refused build in words, and its file."""
    from registry.release.refused import refused_build  # not needed, and slow to import, for a release

    return "refused build", refused_build(settings)


def _require_published(connection: duckdb.DuckDBPyConnection, sql: str, catalog: str) -> None:
    """Refuse a query on what a release would not have: other schemas of the build file, and what is written later."""
    try:
        names = connection.get_table_names(sql, qualified=True)
    except duckdb.Error:  # no query, or one that fails: running it says why
        return
    for name in sorted(names):
        *schema, table = name.split(".")
        if schema and schema[-1] not in ("main", "meta", catalog):
            raise UserError(f"refused build: {name} is not published; only the schemas main and meta can be queried")
        if table in {late.partition(".")[2] for late in NOT_COMPARED}:
            raise UserError(f"refused build: {table} is only written at publication, so it is not there")


def _answer(
    connection: duckdb.DuckDBPyConnection, sql: str, parameters: dict[str, Any] | None, seconds: float | None
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Columns and rows. Runs in a separate thread: in the main thread Python would not notice Ctrl-C during a query."""

    def fetch() -> tuple[list[str], list[tuple[Any, ...]]]:
        result = connection.execute(sql, parameters)
        if not result.description:
            return [], []
        return [column[0] for column in result.description], result.fetchall()

    asked: Future[tuple[list[str], list[tuple[Any, ...]]]] = Future()

    def answer() -> None:
        try:
            asked.set_result(fetch())
        except BaseException as error:  # noqa: BLE001  raised again in the main thread
            asked.set_exception(error)

    # not a thread pool: its shutdown would wait for a thread that Ctrl-C left running
    thread = Thread(target=answer, daemon=True)
    try:
        thread.start()
        return asked.result(timeout=seconds)
    except (TimeoutError, KeyboardInterrupt):
        while thread.ident is not None and not asked.done():  # an interrupt before the query starts has no effect
            connection.interrupt()
            wait([asked], timeout=0.1)
        raise
