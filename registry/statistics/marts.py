"""The marts that hold statistics: which there are, and how they are written.

The database counts (patients, cases, days at risk, patients a day of follow-up); the modules beside this one turn the
counts into rates, intervals and curves. Rows are sorted and numbers rounded to ten significant digits, so that the same
input gives the same content whatever the machine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from registry.statistics.agreement import AGREEMENT_TYPES, review_agreement
from registry.statistics.course import DURATION_TYPES, RECURRENCE_TYPES, duration, recurrence
from registry.statistics.incidence import BY_PERIOD_TYPES, INCIDENCE_TYPES, incidence, incidence_by_period
from registry.statistics.onset import TIME_TO_ONSET_TYPES, time_to_onset
from registry.statistics.table import typed

if TYPE_CHECKING:
    import duckdb

    from registry.settings import Settings

MARTS: dict[str, tuple[dict[str, str], Callable[[duckdb.DuckDBPyConnection], Any]]] = {
    "mart_incidence": (INCIDENCE_TYPES, incidence),
    "mart_incidence_by_period": (BY_PERIOD_TYPES, incidence_by_period),
    "mart_time_to_onset": (TIME_TO_ONSET_TYPES, time_to_onset),
    "mart_duration": (DURATION_TYPES, duration),
    "mart_recurrence": (RECURRENCE_TYPES, recurrence),
    "mart_review_agreement": (AGREEMENT_TYPES, review_agreement),
}
"""Each mart's columns with their types, in order, and what computes its rows."""


def write_statistics(settings: Settings) -> dict[str, int]:
    """Write all marts into the warehouse, whole or not at all, and return their numbers of rows.

    Reads int_cohort_member, int_never_tested, int_risk_time, int_drug_exposed, int_episode_final and int_adjudication_pair
    (schema intermediate), fct_neutropenia_episode, mart_rechallenge and dim_case_definition (schema main). Risk is in
    per cent, rates are per 100 person-years, times in days.
    """
    import duckdb

    from registry.disk import writing
    from registry.settings import connect_options

    with (
        writing(settings.warehouse),
        duckdb.connect(str(settings.warehouse), config=connect_options(settings)) as connection,
    ):
        return write_marts(connection)


def write_marts(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Write all marts through an open connection, in one transaction; see `write_statistics`."""
    computed = {name: typed(compute(connection), types) for name, (types, compute) in MARTS.items()}
    connection.begin()
    try:
        for name, rows in computed.items():
            types = MARTS[name][0]
            columns = ", ".join(f"{column} {type_}" for column, type_ in types.items())
            connection.execute(f"create or replace table main.{name} ({columns})")
            connection.register("statistics_rows", rows)
            connection.execute(f"insert into main.{name} select {', '.join(types)} from statistics_rows")
            connection.unregister("statistics_rows")
        connection.commit()
    except BaseException:
        connection.rollback()
        raise
    return {name: len(rows) for name, rows in computed.items()}
