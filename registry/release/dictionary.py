"""The data dictionary of a release: every table and column, with the description in its model's YAML.

The same descriptions are comments in the release's database: `SELECT * FROM duckdb_columns()` shows them.
"""

from __future__ import annotations

from collections.abc import Iterable

import duckdb

from registry.build.dbt_project import Node, parsed_project
from registry.release.content import TableContent
from registry.system.sql import identifier, literal

_BAR = "\\|"


def described() -> dict[str, Node]:
    """The YAML of models and of tables that Python writes, by `schema.table`."""
    nodes = parsed_project().nodes.values()
    return {f"{node.schema}.{node.name}": node for node in nodes if node.kind in ("model", "source")}


def markdown(release_id: str, tables: Iterable[TableContent]) -> str:
    """The dictionary as Markdown: a heading per table, a line per column with its type and description."""
    nodes = described()
    lines = [f"# Data dictionary of release {release_id}", ""]
    for table in tables:
        node = nodes.get(table.name)
        lines += [f"## {table.name}", ""]
        if node and node.description:
            lines += [_one_line(node.description), ""]
        lines += [f"{table.rows:,} rows.", "", "| column | type | description |", "|---|---|---|"]
        for column, kind in table.columns:
            _, description = node.columns.get(column, ("", "")) if node else ("", "")
            lines.append(f"| `{column}` | {kind} | {_one_line(description).replace('|', _BAR)} |")
        lines.append("")
    return "\n".join(lines)


def write_comments(connection: duckdb.DuckDBPyConnection, tables: Iterable[str], note: str) -> None:
    """Describe tables and their columns in the database itself; each table also bears `note`."""
    nodes = described()
    for table in tables:
        node = nodes.get(table)
        text = f"{note} {_one_line(node.description)}" if node else note
        connection.execute(f"COMMENT ON TABLE {identifier(table)} IS {literal(text)}")
        there = {column[0] for column in connection.execute(f"SELECT * FROM {identifier(table)} LIMIT 0").description}
        for column, (_, description) in node.columns.items() if node else ():
            if column in there:
                name = identifier(f"{table}.{column}")
                connection.execute(f"COMMENT ON COLUMN {name} IS {literal(_one_line(description))}")


def _one_line(text: str) -> str:
    return " ".join(text.split())
