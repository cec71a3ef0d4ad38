"""Carries out the catalogue on a release candidate, as SQL inside DuckDB, and decides.

`audit` is the one function by which anything is published. It reads the candidate's file and the previous
release's, writes nothing, and returns counts: no value of a patient leaves DuckDB. What can't be checked
(a table that is missing, a query that fails, a check without a result) blocks as if it had failed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import duckdb

from expectations.check import Audit, Check, CheckResult
from registry.system.sql import attach

NO_PREVIOUS = "not applicable: there is no previous release"
NOT_IN_PREVIOUS = "not applicable: the previous release has no table {table}"
_TOLERATED = "so few are tolerated"
_RULES_CHANGED = "explained: the previous release was made by other rules of the registry"
_SHOWN = 5
_OF_PREVIOUS = re.compile(r"\bprevious\.(\w+\.\w+)")


def audit(
    candidate: Path,
    previous: Path | None = None,
    *,
    options: Mapping[str, str | int | bool | float | list[str]] | None = None,
    checks: Iterable[Check] | None = None,
    rules_changed: bool = False,
) -> Audit:
    """Judge a release candidate.

    Args:
        candidate: the DuckDB file to be released, schemas main and meta; opened read-only, closed on return.
        previous: the released file to compare with; None where there is none.
        options: DuckDB's configuration (memory_limit, threads, temp_directory).
        checks: which checks to carry out, by default all that are queries.
        rules_changed: whether the previous release was made by other rules, which explains some losses.

    Returns:
        One result a check, in the order given; `passed` unless a critical one failed.

    Raises:
        duckdb.Error: if either file can't be opened at all.

    """
    if checks is None:
        from expectations.catalogue import queried  # and all suites: only an audit needs them

        checks = queried()
    asked = tuple(checks)
    with duckdb.connect(str(candidate), read_only=True, config=dict(options or {})) as connection:
        if previous is not None:
            attach(connection, previous, "previous")
        rows = _rows_by_table(connection, asked)
        before = _tables(connection, "previous")
        results: dict[str, CheckResult] = {}
        for check in asked:
            if check.table not in rows:
                results[check.check_id] = CheckResult.undecided(check, f"table missing: {check.table}")
            elif check.needs_previous and previous is None:
                results[check.check_id] = CheckResult.of(
                    check, passed=True, n_rows=rows[check.table], detail=NO_PREVIOUS
                )
            elif check.needs_previous and (absent := sorted(set(_OF_PREVIOUS.findall(check.sql or "")) - before)):
                results[check.check_id] = CheckResult.of(
                    check, passed=True, n_rows=rows[check.table], detail=NOT_IN_PREVIOUS.format(table=absent[0])
                )
        open_checks = [check for check in asked if check.check_id not in results]
        if open_checks:
            results |= _carried_out(connection, open_checks, rows, rules_changed=rules_changed)
    return Audit(tuple(results[check.check_id] for check in asked))


def _carried_out(
    connection: duckdb.DuckDBPyConnection, checks: list[Check], rows: Mapping[str, int], *, rules_changed: bool
) -> dict[str, CheckResult]:
    # Great Expectations takes seconds to import: here, where it is needed, and nowhere else.
    from expectations.gx import Finding, validate

    found = validate(connection, checks)
    results = {}
    for check in checks:
        finding = found.get(check.check_id, Finding(error="no result"))
        n_rows = rows[check.table]
        if finding.error:
            results[check.check_id] = CheckResult.undecided(check, f"could not be checked: {finding.error}", n_rows)
        else:
            n_unexpected = 0 if finding.success else max(finding.n_unexpected, 1)
            is_tolerated = not finding.success and check.tolerates(n_unexpected, n_rows)
            results[check.check_id] = CheckResult.of(
                check,
                passed=finding.success or is_tolerated,
                n_unexpected=n_unexpected,
                n_rows=n_rows,
                detail=_TOLERATED if is_tolerated else "" if finding.success else _detail(connection, check),
            )
            if not results[check.check_id].passed and check.severity == "critical":
                results[check.check_id] = _explained(connection, check, results[check.check_id], rules_changed)
    return results


def _explained(
    connection: duckdb.DuckDBPyConnection, check: Check, result: CheckResult, rules_changed: bool
) -> CheckResult:
    """The result as a warning where the registry's changed rules, or an explanation of every row, account for it."""
    if rules_changed and check.explained_by_rules:
        detail = "; ".join(part for part in (result.detail, _RULES_CHANGED) if part)
        return replace(result, severity="warning", detail=detail)
    if not check.has_explanations:
        return result
    row = connection.execute(f"SELECT count(*) FROM ({check.sql}) AS found WHERE explained IS NULL").fetchone()
    return replace(result, severity="warning") if row == (0,) else result


def _detail(connection: duckdb.DuckDBPyConnection, check: Check) -> str:
    """The first offenders by name, where a row of the query is a site, a month or a stratum and no patient."""
    if not check.names_offenders:
        return ""
    offenders = connection.execute(f"SELECT DISTINCT * FROM ({check.sql}) AS offender").fetchmany(_SHOWN + 1)
    named = sorted(" ".join(str(part) for part in row if part is not None) for row in offenders[:_SHOWN])
    return "; ".join(named) + ("; …" if len(offenders) > _SHOWN else "")


def _rows_by_table(connection: duckdb.DuckDBPyConnection, checks: Iterable[Check]) -> dict[str, int]:
    """Rows of every table that is asked about and exists."""
    counts = {}
    for table in sorted({check.table for check in checks} & _tables(connection)):
        row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
        counts[table] = int(row[0]) if row else 0
    return counts


def _tables(connection: duckdb.DuckDBPyConnection, database: str | None = None) -> set[str]:
    """The tables of an attached database, by default the candidate, as `schema.name`."""
    found = connection.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = coalesce(?, current_database())",
        [database],
    )
    return {f"{schema}.{table}" for schema, table in found.fetchall()}
