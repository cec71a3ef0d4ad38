"""The defect of a generic check, made from the check itself: what is wrong follows from its kind.

Also each kind as a query in DuckDB, which proves a check in a millisecond; that Great Expectations finds the same is
proved once, on a candidate with all of these defects.
"""

from __future__ import annotations

from expectations.check import Check
from expectations.published import published

COLUMNS = {table.name: table.columns for table in published()}
_OF_TYPE = {"VARCHAR": "'x'", "DATE": "DATE '2024-01-01'", "BOOLEAN": "true"}


def kind(check: Check) -> str:
    """The last word of an id: `columns`, `unique`, `present`, `to` (in order), `values`, `known`, `range`, `types`."""
    return "to" if check.expectation == "ExpectColumnPairValuesAToBeGreaterThanB" else check.check_id.split("_")[-1]


def defects(check: Check) -> list[str]:
    """Statements that each break a candidate in the way that this generic check is about."""
    table, given = check.table, check.arguments
    match kind(check):
        case "types":
            column = next(name for name, type_ in COLUMNS["main.fct_anc"].items() if type_ == "INTEGER")
            return [f"ALTER TABLE main.fct_anc ALTER COLUMN {column} TYPE BIGINT"]
        case "columns":
            dropped = list(COLUMNS[table])[-1]
            return [f"ALTER TABLE {table} DROP COLUMN {dropped}", f"ALTER TABLE {table} ADD COLUMN surplus VARCHAR"]
        case "unique":
            key = given.get("column_list") or [given["column"]]
            row = _row(table, {column: _OF_TYPE.get(COLUMNS[table][column], "1") for column in key})
            return [f"{row}; {row}"]
        case "present":
            return [_row(table, {given["column"]: "NULL"})]
        case "to":
            return [_row(table, {given["column_A"]: "DATE '2024-01-01'", given["column_B"]: "DATE '2024-01-02'"})]
        case "range":
            return [_row(table, {given["column"]: f"{given['min_value']} - 1"})]
        case "values":
            return [_row(table, {given["column"]: "'no such word'"})]
        case "known":
            column = check.sql.split()[2]
            return [_row(table, {column: "'no such key'"})]
    raise AssertionError(f"{check.check_id} has no defect")


def _row(table: str, values: dict[str, str]) -> str:
    listed = ", ".join(f"{value} AS {column}" for column, value in values.items())
    return f"INSERT INTO {table} BY NAME SELECT {listed}"


def as_sql(check: Check) -> str:
    """The check as a query for its offending rows, whoever carries it out."""
    table, given = check.table, check.arguments
    match check.expectation:
        case "":
            return check.sql
        case "ExpectColumnValuesToNotBeNull":
            where = f"{given['column']} IS NULL"
        case "ExpectColumnValuesToBeInSet":
            words = ", ".join(f"'{value}'" for value in given["value_set"])
            where = f"{given['column']} NOT IN ({words})"
        case "ExpectColumnValuesToBeBetween":
            bounds = (("<", given["min_value"]), (">", given["max_value"]))
            where = " OR ".join(f"{given['column']} {sign} {bound}" for sign, bound in bounds if bound is not None)
        case "ExpectColumnPairValuesAToBeGreaterThanB":
            where = f"{given['column_A']} < {given['column_B']}"
        case "ExpectColumnValuesToBeUnique" | "ExpectCompoundColumnsToBeUnique":
            key = given.get("column_list") or [given["column"]]
            there = " AND ".join(f"{column} IS NOT NULL" for column in key)
            counted = f"count(*) OVER (PARTITION BY {', '.join(key)})"
            return f"SELECT * FROM (SELECT {counted} AS n FROM {table} WHERE {there}) AS counted WHERE n > 1"
        case "ExpectTableColumnsToMatchSet":
            words = ", ".join(f"('{column}')" for column in given["column_set"])
            return f"""
            SELECT * FROM (VALUES {words}) AS promised (name)
            FULL JOIN (
                SELECT column_name AS name FROM duckdb_columns() WHERE database_name = current_database()
                    AND schema_name || '.' || table_name = '{table}'
            ) AS found ON promised.name = found.name
            WHERE promised.name IS NULL OR found.name IS NULL
            """
        case _:
            raise AssertionError(f"{check.expectation} has no query")
    return f"SELECT * FROM {table} WHERE {where}"
