"""The data dictionary of a release: every table and column, with the description in its model's YAML."""

from __future__ import annotations

from collections.abc import Iterable

from registry.build.dbt_runner import Node, parsed_project
from registry.release.content import TableContent


def described() -> dict[str, Node]:
    """What the YAML of models and of tables that Python writes says, by `schema.table`."""
    nodes = parsed_project().nodes.values()
    return {f"{node.schema}.{node.name}": node for node in nodes if node.kind in ("model", "source")}


def markdown(release_id: str, tables: Iterable[TableContent]) -> str:
    """The dictionary as Markdown: a heading a table, a line a column with its type and description."""
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
            lines.append(f"| `{column}` | {kind} | {_one_line(description)} |")
        lines.append("")
    return "\n".join(lines)


def _one_line(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
