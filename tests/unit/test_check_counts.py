"""What a check counts is what it says that it counts: rows of its table, or something else by name."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import duckdb
import pytest

from expectations.catalogue import every_check, queried
from expectations.check import FINDS, Check, CheckResult

# Each of these is a row of its table, where another word says more.
NAMED_ROWS = {
    "derivations of a site": "meta.derivation_agreement",
    "entities": "meta.staged_check",
    "sites": "meta.unmapped_code",
    "strata": "main.mart_incidence",
    "tables of a delivery": "meta.completeness",
}


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        yield opened


def grain(connection: duckdb.DuckDBPyConnection, sql: str) -> str:
    """The table of which a query returns at most one row for each row, or why there is none; by DuckDB's own parser."""
    row = connection.execute("SELECT json_serialize_sql(?)", [sql]).fetchone()
    assert row
    parsed = json.loads(row[0])
    assert not parsed["error"], parsed
    return _of_node(parsed["statements"][0]["node"], {})


def _of_node(node: Mapping[str, Any], named: Mapping[str, Any]) -> str:
    if node["type"] != "SELECT_NODE":
        return str(node["type"])
    with_these = {**named, **{one["key"]: one["value"]["query_node"] for one in node["cte_map"]["map"]}}
    if (
        node["group_expressions"]
        or node["group_sets"]
        or node["having"]
        or '"count_star"' in json.dumps(node["select_list"])
    ):
        return "groups"
    if any(modifier["type"] == "DISTINCT_MODIFIER" for modifier in node["modifiers"]):
        return "distinct values"
    return _of_source(node["from_table"], with_these)


def _of_source(source: Mapping[str, Any], named: Mapping[str, Any]) -> str:
    match source["type"]:
        case "JOIN" if source["join_type"] in ("INNER", "LEFT", "ANTI", "SEMI"):
            return _of_source(source["left"], named)
        case "SUBQUERY":
            return _of_node(source["subquery"]["node"], named)
        case "BASE_TABLE" if not source["schema_name"] and source["table_name"] in named:
            others = {name: node for name, node in named.items() if name != source["table_name"]}
            return _of_node(named[source["table_name"]], others)
        case "BASE_TABLE":
            place = (source["catalog_name"], source["schema_name"], source["table_name"])
            return ".".join(part for part in place if part)
    return str(source["type"])


@pytest.mark.parametrize("check", [check for check in queried() if check.sql], ids=lambda check: check.check_id)
def test_a_query_finds_rows_of_its_table_or_says_what_else(check: Check, connection: duckdb.DuckDBPyConnection) -> None:
    found = grain(connection, check.sql)
    if check.finds == "rows":
        assert found == check.table
    elif found == check.table:
        assert NAMED_ROWS.get(check.finds) == check.table


def test_only_rows_are_given_as_a_part_of_the_table() -> None:
    for check in every_check():
        (one, two) = (CheckResult.of(check, passed=False, n_unexpected=n, n_rows=560).found for n in (1, 2))
        if check.finds == "rows":
            assert (one, two) == ("1 of 560 rows", "2 of 560 rows")
        else:
            assert (one, two) == (f"1 {FINDS[check.finds]}", f"2 {check.finds}")
    assert CheckResult.undecided(check, "no result").found == "not checked"


def test_every_word_is_used_and_no_other() -> None:
    assert {check.finds for check in every_check()} == set(FINDS)
    with pytest.raises(ValueError, match="not in FINDS"):
        Check("c", "main.t", "critical", "d", "s", finds="things")
