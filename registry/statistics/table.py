"""Shared by the statistical marts: how counts are read, and tables that are identical on every machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb

DAYS_PER_YEAR = 365.25
_SIGNIFICANT_DIGITS = 10

STRATUM_KEY = ["definition_id", "stratum_type", "stratum"]
_ORDER = "definition_id, position(stratum_type in 'overall drug site gcsf'), stratum"


def counts_of(connection: duckdb.DuckDBPyConnection, model: str, *within_stratum: str) -> Any:
    """The rows of a model in `counts` as a DataFrame, ordered by definition, stratum and the given columns."""
    order = ", ".join((_ORDER, *within_stratum))
    return connection.execute(f"select * from counts.{model} order by {order}").df()


def typed(rows: Any, types: dict[str, str]) -> Any:
    """Give columns the types and order of their mart, and round numbers to ten significant digits."""
    of_type = {"VARCHAR": "object", "BIGINT": "int64", "DOUBLE": "float64"}
    rows = rows.reindex(columns=list(types)).astype({column: of_type[type_] for column, type_ in types.items()})
    for column in (column for column, type_ in types.items() if type_ == "DOUBLE"):
        rows[column] = [float(f"{value:.{_SIGNIFICANT_DIGITS - 1}e}") for value in rows[column]]
    return rows
