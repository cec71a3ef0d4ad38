"""The list of statistical marts, and how they are written.

The models in dbt_project/models/counts count (patients, cases, days at risk, patients per day of follow-up); the other
modules of this package turn the counts into rates, intervals and curves. Rows are sorted and numbers rounded to ten
significant digits, so that the same input gives the same content on every machine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from registry.build.dbt_project import parsed_project
from registry.statistics.agreement import review_agreement
from registry.statistics.course import duration, recurrence
from registry.statistics.incidence import incidence, incidence_by_period
from registry.statistics.onset import time_to_onset
from registry.statistics.table import typed

if TYPE_CHECKING:
    import duckdb

    from registry.config.settings import Settings

MARTS: dict[str, Callable[[duckdb.DuckDBPyConnection], Any]] = {
    "mart_incidence": incidence,
    "mart_incidence_by_period": incidence_by_period,
    "mart_time_to_onset": time_to_onset,
    "mart_duration": duration,
    "mart_recurrence": recurrence,
    "mart_review_agreement": review_agreement,
}
"""The function that computes each mart's rows; columns and types are in models/marts/_written_by_python.yml."""


def write_statistics(settings: Settings) -> dict[str, int]:
    """Write all marts into the warehouse in one transaction, and return their numbers of rows.

    Risks are in percent, rates per 100 person-years, times in days.
    """
    import duckdb

    from registry.config.settings import connect_options
    from registry.system.disk import writing

    with (
        writing(settings.warehouse),
        duckdb.connect(str(settings.warehouse), config=connect_options(settings)) as connection,
    ):
        return write_marts(connection)


def write_marts(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Write all marts through an open connection, in one transaction; see `write_statistics`."""
    types = _column_types()
    computed = {name: typed(compute(connection), types[name]) for name, compute in MARTS.items()}
    connection.begin()
    try:
        for name, rows in computed.items():
            columns = ", ".join(f"{column} {type_}" for column, type_ in types[name].items())
            connection.execute(f"create or replace table main.{name} ({columns})")
            connection.register("statistics_rows", rows)
            connection.execute(f"insert into main.{name} select {', '.join(types[name])} from statistics_rows")
            connection.unregister("statistics_rows")
        connection.commit()
    except BaseException:
        connection.rollback()
        raise
    return {name: len(rows) for name, rows in computed.items()}


def _column_types() -> dict[str, dict[str, str]]:
    """The type of each column of each mart, in order."""
    return {
        node.name: {column: type_.upper() for column, (type_, _) in node.columns.items()}
        for node in parsed_project().nodes.values()
        if node.name in MARTS
    }
