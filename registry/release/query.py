"""Questions in SQL to a release, read-only and shut off from everything else.

`registry sql` starts with this module alone: it imports neither Dagster, dbt nor Great Expectations (a test holds
it to that).
"""

from __future__ import annotations

from concurrent.futures import Future, wait
from threading import Thread
from typing import Any

import duckdb

from registry.config.settings import Settings
from registry.errors import UserError
from registry.release.store import current, load

# Off before the file is opened: extensions and secrets have no folder, this process's variables can't be read, and what
# does not fit into memory is not spilled, since whatever folder is named here could be written to from SQL.
_SHUT_OFF: dict[str, str | int | bool | float | list[str]] = {
    "temp_directory": "",
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,
    "allow_persistent_secrets": False,
    "secret_directory": "none",
    "extension_directory": "none",
}
# Off once it is open. Without external access DuckDB still allows the open database's own files, its log of changes
# among them, to be written; without a file system it allows none.
_LOCKED = (
    "SET enable_external_access = false; SET disabled_filesystems = 'LocalFileSystem'; SET lock_configuration = true"
)


def query(
    settings: Settings,
    sql: str,
    release_id: str | None = None,
    parameters: dict[str, Any] | None = None,
    seconds: float | None = None,
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Run a query on a release, by default the one in force; returns column names and rows.

    `parameters` stand for the query's $names; after `seconds` it is stopped. The file is opened read-only, without
    access to any file, the network, extensions or this process's variables, in bounded memory, and none of that can be
    switched on from SQL.

    Raises:
        UserError: if there is no release, or the query can't be run, in one line.

    """
    release = load(settings, release_id) if release_id else current(settings)
    if release is None:
        raise UserError("nothing is published yet: run registry refresh first")
    config = {**_SHUT_OFF, "memory_limit": settings.memory_limit, "threads": settings.threads}
    try:
        with duckdb.connect(str(release.database), read_only=True, config=config) as connection:
            connection.execute(_LOCKED)
            match len(duckdb.extract_statements(sql)):
                case 0:
                    raise UserError("no statement in the query: nothing but blanks or comments")
                case 1:
                    pass
                case _:
                    raise UserError("more than one statement: ask one question at a time")
            return _answer(connection, sql, parameters, seconds)
    except TimeoutError:
        raise UserError(
            f"release {release.release_id}: stopped after {seconds:g} seconds; give it longer with --timeout"
        ) from None
    except duckdb.OutOfMemoryException:
        raise UserError(
            f"release {release.release_id}: the query needs more memory than {settings.memory_limit}: ask for less, or "
            "raise REGISTRY_MEMORY_LIMIT"
        ) from None
    except duckdb.Error as error:
        first_line = str(error).strip().partition("\n")[0]
        raise UserError(f"release {release.release_id}: {first_line}") from None


def _answer(
    connection: duckdb.DuckDBPyConnection, sql: str, parameters: dict[str, Any] | None, seconds: float | None
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Columns and rows. In a thread of its own: while DuckDB works in the main one, Python hears no Ctrl-C."""

    def fetch() -> tuple[list[str], list[tuple[Any, ...]]]:
        result = connection.execute(sql, parameters)
        if not result.description:
            return [], []
        return [column[0] for column in result.description], result.fetchall()

    asked: Future[tuple[list[str], list[tuple[Any, ...]]]] = Future()

    def answer() -> None:
        try:
            asked.set_result(fetch())
        except BaseException as error:  # noqa: BLE001  it is raised where the answer is waited for
            asked.set_exception(error)

    # not of a pool: that waits for its threads, also for one whose start a Ctrl-C cut off, which nobody would stop
    beside = Thread(target=answer, daemon=True)
    try:
        beside.start()
        return asked.result(timeout=seconds)
    except (TimeoutError, KeyboardInterrupt):
        while beside.ident is not None and not asked.done():  # an interrupt that comes before the query does nothing
            connection.interrupt()
            wait([asked], timeout=0.1)
        raise
