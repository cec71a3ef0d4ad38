"""The bridge to Great Expectations: checks go in as suites, findings come out as counts.

Importing this module imports Great Expectations, which takes seconds: only `runner.audit` does, when it runs.
One checkpoint holds one suite a table. Result format BASIC without examples, and queries that are only
counted, never fetched: no value of a patient reaches a result, a log or the console.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

# Read once, at import: no usage statistics leave the hospital.
os.environ["GX_ANALYTICS_ENABLED"] = "false"

import duckdb
import great_expectations as gx
import great_expectations.expectations as gxe
from great_expectations.core import ExpectationValidationResult
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
from great_expectations.validator.validator import ValidationDependencies
from sqlalchemy.pool import NullPool

from expectations.check import Check
from expectations.duckdb_adapter import serve
from registry.system import memory

_RESULT_FORMAT = {"result_format": "BASIC", "partial_unexpected_count": 0}


class _ConfiguredOnce:
    """An expectation that works its configuration out once; Great Expectations asks some forty times."""

    @property
    def configuration(self) -> ExpectationConfiguration:
        if id(self) not in _configurations:
            _configurations[id(self)] = self, super().configuration  # type: ignore[misc]
        return _configurations[id(self)][1]


class _CountedOnly(_ConfiguredOnce):
    """An expectation whose offending rows are counted and never fetched, not even as an empty list of examples."""

    def get_validation_dependencies(self, *arguments: Any, **options: Any) -> ValidationDependencies:
        needed: ValidationDependencies = super().get_validation_dependencies(*arguments, **options)  # type: ignore[misc]
        for name in [name for name in needed.metric_configurations if name.endswith(".unexpected_values")]:
            needed.remove_metric_configuration(name)
        return needed


_configurations: dict[int, tuple[object, ExpectationConfiguration]] = {}
"""By the identity of an expectation, which is kept with it so that no other takes its place."""


@cache
def _lean(name: str) -> type[gxe.Expectation]:
    """Great Expectations' own class, cheaper."""
    own = getattr(gxe, name)
    return type(name, (_CountedOnly, own), {"__module__": own.__module__})


class NoRowsExpectation(_ConfiguredOnce, gxe.UnexpectedRowsExpectation):
    """A query returns nothing; it is counted inside DuckDB and never fetched (the parent class does both)."""

    metric_dependencies = ("unexpected_rows_query.row_count",)

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,
        execution_engine: Any = None,
    ) -> dict[str, Any]:
        n = metrics["unexpected_rows_query.row_count"]
        return {"success": n == 0, "result": {"observed_value": n}}


@dataclass(frozen=True)
class Finding:
    """What Great Expectations found for one check; `error` says why it found nothing."""

    success: bool = False
    n_unexpected: int = 0
    error: str = ""


def validate(connection: duckdb.DuckDBPyConnection, checks: list[Check]) -> dict[str, Finding]:
    """Run checks through one checkpoint on an open connection; findings by check id."""
    with serve(connection) as url, _silenced():
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False, "metric_calculations": False}  # type: ignore[assignment]
        context.variables.save = lambda: None  # type: ignore[method-assign]  # it would write itself as YAML at each table
        source = context.data_sources.add_sql(
            name="candidate",
            connection_string=url,
            create_temp_table=False,
            # read-only: a transaction a query would only cost
            kwargs={"poolclass": NullPool, "isolation_level": "AUTOCOMMIT", "pool_reset_on_return": None},
        )
        results: list[ExpectationValidationResult] = []
        for table in sorted({check.table for check in checks}):
            schema, _, name = table.partition(".")
            asset = source.add_table_asset(name=table, table_name=name, schema_name=schema)
            batch = asset.add_batch_definition_whole_table("whole").get_batch()
            suite = gx.ExpectationSuite(
                name=table,
                expectations=[_expectation(check) for check in checks if check.table == table],
            )
            results += batch.validate(suite, result_format=_RESULT_FORMAT).results
            _configurations.clear()
    return {
        result.expectation_config.meta["check_id"]: _finding(result)
        for result in results
        if result.expectation_config is not None
    }


def _expectation(check: Check) -> gxe.Expectation:
    """The expectation that carries out a check. Great Expectations wants its own table as `{batch}`."""
    common: dict[str, Any] = {"severity": check.severity, "meta": {"check_id": check.check_id}}
    if check.sql:
        query = check.sql.replace("{", "{{").replace("}", "}}")
        query = re.sub(rf"(?<!previous\.){re.escape(check.table)}\b", "{batch}", query, count=1)
        return NoRowsExpectation(unexpected_rows_query=query, **common)
    return _lean(check.expectation)(**check.arguments, **common)


def _finding(result: ExpectationValidationResult) -> Finding:
    counts: Mapping[str, Any] = result.result or {}
    if not counts:
        # Errors of DuckDB quote values: only the kind of error may be told.
        if memory.ran_out(str(result.exception_info)):
            raise duckdb.OutOfMemoryException("a check of the gate")
        return Finding(error="its query failed")
    if "unexpected_count" in counts and counts.get("element_count") == 0:
        return Finding(success=True)  # nothing can be wrong in a table without rows; the counts are NULL there
    if "unexpected_count" in counts:
        n = counts["unexpected_count"] or 0
    elif isinstance(counts.get("observed_value"), int):
        n = counts["observed_value"]
    else:
        n = 0 if result.success else 1
    return Finding(success=bool(result.success), n_unexpected=int(n))


@contextmanager
def _silenced() -> Iterator[None]:
    """Great Expectations logs the text of a failed query's error, which may quote a patient's value."""
    logger = logging.getLogger("great_expectations")
    before = logger.level, logger.propagate
    handler = logging.NullHandler()  # one of its loggers has a level of its own
    logger.addHandler(handler)
    logger.setLevel(logging.CRITICAL + 1)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before[0])
        logger.propagate = before[1]
