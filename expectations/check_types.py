"""The types of check: what the generic checks and the suites are made of.

Each function returns one `Check`. If Great Expectations has an expectation for it, that one is used; everything else
is a query that returns the keys of offending rows (`no_rows`). Severity: `critical` for what only a broken pipeline or
a broken contract can cause; `warning` for what a hospital may well deliver. There is no override, so one clinic's
typing error must not block everyone.
"""

from __future__ import annotations

from collections.abc import Sequence

from expectations.check import Check, Severity, Tolerance
from registry.system.sql import literal


def in_range(
    check_id: str,
    table: str,
    column: str,
    low: float | None,
    high: float | None,
    *,
    description: str,
    source: str,
    severity: Severity = "critical",
    tolerance: Tolerance | None = None,
) -> Check:
    """Every value of a column lies between two bounds, both included; NULL passes."""
    return Check(
        check_id,
        table,
        severity,
        description,
        source,
        expectation="ExpectColumnValuesToBeBetween",
        arguments={"column": column, "min_value": low, "max_value": high},
        at_fault=" OR ".join(
            f"{column} {sign} {bound}" for sign, bound in (("<", low), (">", high)) if bound is not None
        ),
        tolerance=tolerance,
    )


def one_of(
    check_id: str,
    table: str,
    column: str,
    values: Sequence[str],
    *,
    description: str,
    source: str,
    severity: Severity = "critical",
) -> Check:
    """Every value of a column is one of these words; NULL passes."""
    return Check(
        check_id,
        table,
        severity,
        description,
        source,
        expectation="ExpectColumnValuesToBeInSet",
        arguments={"column": column, "value_set": list(values)},
        at_fault=f"{column} NOT IN ({', '.join(literal(value) for value in values)})",
    )


def present(
    check_id: str,
    table: str,
    column: str,
    *,
    description: str,
    source: str,
    severity: Severity = "critical",
) -> Check:
    """A column is never NULL."""
    return Check(
        check_id,
        table,
        severity,
        description,
        source,
        expectation="ExpectColumnValuesToNotBeNull",
        arguments={"column": column},
        at_fault=f"{column} IS NULL",
    )


def in_order(
    check_id: str,
    table: str,
    earlier: str,
    later: str,
    *,
    description: str,
    source: str,
    severity: Severity = "critical",
) -> Check:
    """In every row where both are known, one date is not after the other."""
    return Check(
        check_id,
        table,
        severity,
        description,
        source,
        expectation="ExpectColumnPairValuesAToBeGreaterThanB",
        arguments={
            "column_A": later,
            "column_B": earlier,
            "or_equal": True,
            "ignore_row_if": "either_value_is_missing",
        },
        at_fault=f"{later} < {earlier}",
    )


def has_columns(check_id: str, table: str, columns: Sequence[str]) -> Check:
    """A published table has exactly these columns."""
    return Check(
        check_id,
        table,
        "critical",
        f"{table.partition('.')[2]} is published with the columns that its YAML lists, and no others.",
        "Output contract",
        expectation="ExpectTableColumnsToMatchSet",
        arguments={"column_set": list(columns), "exact_match": True},
        finds="tables",
    )


def no_rows(
    check_id: str,
    table: str,
    sql: str,
    *,
    description: str,
    source: str,
    severity: Severity = "critical",
    finds: str = "rows",
    needs_previous: bool = False,
    names_offenders: bool = False,
    tolerance: Tolerance | None = None,
    has_explanations: bool = False,
    explained_by_rules: bool = False,
) -> Check:
    """A query returns nothing. It selects only keys, names `table` with its schema, and runs unchanged.

    `finds` is what one row of it is (see `FINDS`), unless that is a row of `table`.
    With `needs_previous` it may read the previous release's tables as `previous.<schema>.<table>`. What is explained
    (see `Check`) warns instead of blocking.
    """
    return Check(
        check_id,
        table,
        severity,
        description,
        source,
        sql=sql.strip(),
        finds=finds,
        needs_previous=needs_previous,
        names_offenders=names_offenders,
        tolerance=tolerance,
        has_explanations=has_explanations,
        explained_by_rules=explained_by_rules,
    )


def key_unique(check_id: str, table: str, key: Sequence[str]) -> Check:
    """No two rows have the same key."""
    is_single = len(key) == 1
    columns = ", ".join(key)
    known = " AND ".join(f"{column} IS NOT NULL" for column in key)
    return Check(
        check_id,
        table,
        "critical",
        f"Every key of {table.partition('.')[2]} ({', '.join(key)}) occurs once.",
        "Output contract",
        expectation="ExpectColumnValuesToBeUnique" if is_single else "ExpectCompoundColumnsToBeUnique",
        arguments={"column": key[0]} if is_single else {"column_list": list(key)},
        at_fault=f"{known} AND ({columns}) IN (SELECT ({columns}) FROM {table} GROUP BY {columns} HAVING count(*) > 1)",
    )


def refers(
    check_id: str,
    table: str,
    column: str,
    to_table: str,
    to_column: str,
    *,
    description: str,
    source: str,
) -> Check:
    """Every value of a column is a key of another table; NULL passes. One row a value that resolves nowhere."""
    return no_rows(
        check_id,
        table,
        f"""
        SELECT DISTINCT {column} FROM {table}
        WHERE {column} IS NOT NULL AND {column} NOT IN (
            SELECT {to_column} FROM {to_table} WHERE {to_column} IS NOT NULL
        )
        """,
        description=description,
        source=source,
        finds="values",
    )
