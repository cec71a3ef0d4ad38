<<<<<<< HEAD
"""The data dictionary of a release: every table and column, with the description in its model's YAML.

The same descriptions are comments in the release's database: `SELECT * FROM duckdb_columns()` shows them.
"""
=======
"""The data dictionary of a release: every table and column, with the description from the model's YAML."""
>>>>>>> plaincode1

from __future__ import annotations

from collections.abc import Iterable

import duckdb

from registry.build.dbt_runner import Node, parsed_project
from registry.release.content import TableContent
from registry.system.sql import identifier, literal

<<<<<<< HEAD
_BAR = "\\|"


def described() -> dict[str, Node]:
    """What the YAML of models and of tables that Python writes says, by `schema.table`."""
    nodes = parsed_project().nodes.values()
    return {f"{node.schema}.{node.name}": node for node in nodes if node.kind in ("model", "source")}


def markdown(release_id: str, tables: Iterable[TableContent]) -> str:
    """The dictionary as Markdown: a heading a table, a line a column with its type and description."""
    nodes = described()
=======
DESCRIBED_IN = (DBT_PROJECT / "models" / "marts", DBT_PROJECT / "models" / "meta")

# libyaml's loader, if PyYAML was built with it, is ten times as fast.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# The two tables that are not dbt models.
_WRITTEN_HERE: dict[str, Any] = {
    "release": {
        "description": "This release: one row.",
        "columns": {
            "release_id": "Last delivered month and the start of the fingerprint.",
            "study_id": "Name of the study, from its settings.",
            "is_synthetic": "Whether all patients are simulated.",
            "last_delivery": "The last month that any site delivered, YYYY-MM.",
            "primary_definition": "The case definition of the cohort and the report.",
            "fingerprint": "Hash of all that determines the content: files, settings, seeds, code, pseudonym key.",
            "code_version": "Hash of the code and the engines' versions.",
            "rules_version": "Hash of the part of the code that decides which rows a release has.",
            "previous_release_id": "The release that this one was compared with and replaced.",
            "created_at": "When it was published, UTC.",
        },
    },
    "check_result": {
        "description": "The gate's checks on this release, one row per check.",
        "columns": {
            "check_id": "Name of the check.",
            "table_name": "The table that is checked, schema.table.",
            "severity": "critical blocks a release; warning is published and shown.",
            "passed": "Whether it passed.",
            "n_unexpected": "Rows that fail the check.",
            "n_rows": "Rows of the table.",
            "detail": "Sites, months or strata that fail, or why the check did not apply; never a patient.",
            "description": "What the check requires, in words.",
            "source": "Where the requirement comes from.",
            "owner": "Who fixes a failure.",
            "remedy": "What to do.",
        },
    },
}


def markdown(release_id: str, tables: Iterable[TableContent], folders: Iterable[Path] = DESCRIBED_IN) -> str:
    """The dictionary as Markdown: a heading per table, a line per column with its type and description."""
    described = _descriptions(folders)
>>>>>>> plaincode1
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
