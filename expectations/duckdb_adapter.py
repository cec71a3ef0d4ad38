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
from sqlalchemy import Connection
from sqlalchemy.dialects import registry
from sqlalchemy.engine.cursor import FullyBufferedCursorFetchStrategy
from sqlalchemy.types import NullType

DRIVER = "duckdb+served"

_served: dict[str, duckdb.DuckDBPyConnection] = {}
_columns: dict[str, dict[tuple[str, str], list[dict[str, Any]]]] = {}


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

    def get_columns(self, connection: Connection, table_name: str, schema: str | None = None, **_: Any) -> list[Any]:
        """The columns of a table, all read at once: a query a table would cost as much as the checks."""
        served = str(connection.engine.url.database)
        if served not in _columns:
            _columns[served] = {}
            found = connection.exec_driver_sql(
                "SELECT schema_name, table_name, column_name FROM duckdb_columns() "
                "WHERE database_name = current_database() ORDER BY column_index"
            )
            for its_schema, table, column in found:
                table_columns = _columns[served].setdefault((str(its_schema), str(table)), [])
                table_columns.append({"name": column, "type": NullType()})
        return _columns[served].get((schema or "main", table_name), [])

    def get_pk_constraint(self, *_: Any, **__: Any) -> dict[str, Any]:
        """No published table declares a primary key: the gate checks keys itself."""
        return {"constrained_columns": [], "name": None}


@contextmanager
def serve(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """Serve an open connection to SQLAlchemy for the length of a block; yields the URL to reach it by."""
    name = uuid.uuid4().hex
    _served[name] = connection
    try:
        yield f"{DRIVER}:///{name}"
    finally:
        del _served[name]
        _columns.pop(name, None)


registry.register("duckdb.served", __name__, ServedDialect.__name__)
