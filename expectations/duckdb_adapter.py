"""Great Expectations on DuckDB: a SQLAlchemy driver that serves a connection somebody else owns.

Two things make the stock driver unfit here, both seen with Great Expectations 1.24 and pinned by tests:
- it reads a result after it closed the connection, when DuckDB's pending result is gone ("list index out of
  range"): every result is therefore fetched whole as soon as it is there (checks return counts, not rows);
- its pool keeps the file locked after it was disposed of: here the file is opened once, by the caller, who
  also attaches, limits memory and closes; the driver only hands out further cursors on it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import duckdb
from duckdb_sqlalchemy import ConnectionWrapper, Dialect
from sqlalchemy.dialects import registry
from sqlalchemy.engine.cursor import FullyBufferedCursorFetchStrategy

DRIVER = "duckdb+served"

_served: dict[str, duckdb.DuckDBPyConnection] = {}


class _FetchingContext(Dialect.execution_ctx_cls):  # type: ignore[misc]
    """Fetches a result as soon as its statement has run."""

    def post_exec(self) -> None:
        super().post_exec()
        description = self.cursor.description
        if description:
            self.cursor_fetch_strategy = FullyBufferedCursorFetchStrategy(
                self.cursor, description, initial_buffer=self.cursor.fetchall()
            )


class ServedDialect(Dialect):
    """DuckDB's dialect over a connection registered by `serve`; the URL's database is its name there."""

    driver = "served"
    execution_ctx_cls = _FetchingContext
    supports_statement_cache = True

    def connect(self, *_: Any, **parameters: Any) -> ConnectionWrapper:
        """A new cursor on the connection that is served under this name."""
        return ConnectionWrapper(_served[parameters["database"]].cursor())


@contextmanager
def serve(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """Serve an open connection to SQLAlchemy for the length of a block; yields the URL to reach it by."""
    name = uuid.uuid4().hex
    _served[name] = connection
    try:
        yield f"{DRIVER}:///{name}"
    finally:
        del _served[name]


registry.register("duckdb.served", __name__, ServedDialect.__name__)
