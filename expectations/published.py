"""The published tables and their generic checks, read from the models' YAML.

Every model of `dbt_project/models/marts` and `meta`, and every table of `marts/_written_by_python.yml`, is published
with exactly the columns and types that its YAML lists. Under `config: {meta: {…}}` the YAML promises more:

    of a table    key: [a, b]               no two rows have the same values, and none of them is NULL
                  in_order: [[a, b]]        a is not after b
                  is_audited: false         written after the audit, so not judged
    of a column   required: true            never NULL
                  values: [x, y]            one of these, or NULL
                  refers_to: table.column   a value of that column, or NULL
                  at_least: 0               not below, or NULL

Belongs here: what holds of any table and needs no clinical knowledge. Not here: everything else (`suites/`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from expectations.check import Check
from expectations.check_types import has_columns, in_order, in_range, key_unique, no_rows, one_of, present, refers
from registry.build.dbt_project import Node, parsed_project

FOLDERS = ("models/marts/", "models/meta/")
_OF_A_TABLE = {"key", "in_order", "is_audited"}
_OF_A_COLUMN = {"required", "values", "refers_to", "at_least"}
SOURCE = "Output contract"


@dataclass(frozen=True)
class PublishedTable:
    """A published table, `schema.name`: its columns with their types, and what its YAML promises."""

    name: str
    columns: Mapping[str, str]
    key: tuple[str, ...]
    in_order: tuple[tuple[str, str], ...]
    promises: Mapping[str, Mapping[str, Any]]
    """What is promised of a column, by column."""

    @property
    def asset(self) -> str:
        """The name without its schema."""
        return self.name.partition(".")[2]

    @property
    def required(self) -> list[str]:
        """The columns that are never NULL."""
        return [name for name in self.columns if name in self.key or self.promises.get(name, {}).get("required")]


@cache
def published() -> tuple[PublishedTable, ...]:
    """Every table that the gate judges, sorted by name."""
    nodes = parsed_project().nodes.values()
    described = [node for node in nodes if node.kind in ("model", "source") and node.path.startswith(FOLDERS)]
    tables = [_table(node) for node in described if node.meta.get("is_audited", True)]
    return tuple(sorted(tables, key=lambda table: table.name))


def _table(node: Node) -> PublishedTable:
    name = f"{node.schema}.{node.name}"
    pairs = tuple((earlier, later) for earlier, later in node.meta.get("in_order", ()))
    named = {*node.meta.get("key", ()), *(column for pair in pairs for column in pair)}
    unknown = [*(set(node.meta) - _OF_A_TABLE), *(named - set(node.columns))]
    for column, promises in node.column_meta.items():
        unknown += [f"{column}: {word}" for word in set(promises) - _OF_A_COLUMN]
    if unknown:
        raise ValueError(f"{name}: its YAML promises what nobody checks: {', '.join(sorted(unknown))}")
    types = {column: data_type.upper() for column, (data_type, _) in node.columns.items()}
    return PublishedTable(name, types, tuple(node.meta.get("key", ())), pairs, node.column_meta)


def generic_checks() -> tuple[Check, ...]:
    """Every check that follows from the YAML, table by table."""
    return (_column_types(), *(check for table in published() for check in _of_table(table)))


def _column_types() -> Check:
    promised = ", ".join(
        f"('{table.name}', '{column}', '{data_type}')"
        for table in published()
        for column, data_type in table.columns.items()
    )
    return no_rows(
        "column_types",
        "main.dim_patient",
        f"""
        SELECT promised.table_name, promised.column_name, found.data_type
        FROM (VALUES {promised}) AS promised (table_name, column_name, data_type)
        JOIN duckdb_columns() AS found
            ON promised.table_name = found.schema_name || '.' || found.table_name
            AND promised.column_name = found.column_name
        WHERE found.database_name = current_database() AND promised.data_type <> found.data_type
            AND (SELECT count(*) FROM main.dim_patient) >= 0
        """,
        description="Every published column has the type that its YAML lists.",
        source=SOURCE,
        finds="columns",
        names_offenders=True,
    )


def _of_table(table: PublishedTable) -> Iterator[Check]:
    name, asset = table.name, table.asset
    yield has_columns(f"{asset}_columns", name, list(table.columns))
    if table.key:
        yield key_unique(f"{asset}_key_unique", name, table.key)
    for column in table.required:
        description = f"Every row of {asset} has {column}."
        yield present(f"{asset}_{column}_present", name, column, description=description, source=SOURCE)
    for earlier, later in table.in_order:
        description = f"In {asset}, {earlier} is not after {later}."
        check_id = f"{asset}_{earlier}_to_{later}"
        yield in_order(check_id, name, earlier, later, description=description, source=SOURCE)
    for column, promises in table.promises.items():
        yield from _of_column(table, column, promises)


def _of_column(table: PublishedTable, column: str, promises: Mapping[str, Any]) -> Iterator[Check]:
    check_id, title = f"{table.asset}_{column}", f"{column} of {table.asset}"
    otherwise = "" if column in table.required else ", or NULL"
    if values := promises.get("values"):
        description = f"{title} is one of {', '.join(values)}{otherwise}."
        yield one_of(f"{check_id}_values", table.name, column, values, description=description, source=SOURCE)
    if target := promises.get("refers_to"):
        to_asset, _, to_column = target.partition(".")
        found = [one for one in published() if one.asset == to_asset and to_column in one.columns]
        if len(found) != 1:
            raise ValueError(f"{table.name}.{column} refers to {target}, which is not published")
        description = f"{title} matches a {to_column} of {to_asset}{otherwise}."
        yield refers(
            f"{check_id}_known", table.name, column, found[0].name, to_column, description=description, source=SOURCE
        )
    if "at_least" in promises:
        low = promises["at_least"]
        description = f"{title} is at least {low}{otherwise}."
        yield in_range(f"{check_id}_range", table.name, column, low, None, description=description, source=SOURCE)
