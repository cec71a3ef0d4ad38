"""Questions in SQL to a release, read-only and shut off from everything else.

`registry sql` starts with this module alone: it imports neither Dagster, dbt nor Great Expectations (a test holds
it to that).
"""

from __future__ import annotations

from typing import Any

import duckdb

from registry.errors import UserError
from registry.release.store import current, load
from registry.settings import Settings


def query(
    settings: Settings, sql: str, release_id: str | None = None, parameters: dict[str, Any] | None = None
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Run a query on a release, by default the one in force; returns column names and rows.

    `parameters` stand for the query's $names.
    The file is opened read-only, without access to other files, the network, extensions or this process's variables,
    and none of that can be switched on from SQL.

    Raises:
        UserError: if there is no release, or the query can't be run, in one line.

    """
    release = load(settings, release_id) if release_id else current(settings)
    if release is None:
        raise UserError("nothing is published yet: run registry refresh first")
    try:
        with duckdb.connect(
            str(release.database),
            read_only=True,
            config={
                "memory_limit": settings.memory_limit,
                "threads": settings.threads,
                "temp_directory": str(settings.temp),
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
                "python_enable_replacements": False,
            },
        ) as connection:
            # only now: with external access off, the spill folder above could not be named any more
            connection.execute("SET enable_external_access = false; SET lock_configuration = true")
            if len(duckdb.extract_statements(sql)) > 1:
                raise UserError("more than one statement: ask one question at a time")
            # nothing but blanks or comments runs to no result at all
            result: duckdb.DuckDBPyConnection | None = connection.execute(sql, parameters)
            if result is None or not result.description:
                return [], []
            return [column[0] for column in result.description], result.fetchall()
    except duckdb.Error as error:
        first_line = str(error).strip().partition("\n")[0]
        raise UserError(f"release {release.release_id}: {first_line}") from None
