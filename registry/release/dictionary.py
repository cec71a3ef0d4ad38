"""The data dictionary of a release: every table and column, with the description from the model's YAML."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from registry.paths import DBT_PROJECT
from registry.release.content import TableContent

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
    lines = [f"# Data dictionary of release {release_id}", ""]
    for table in tables:
        entry = described.get(table.name.partition(".")[2], {})
        lines += [f"## {table.name}", ""]
        if entry.get("description"):
            lines += [_one_line(entry["description"]), ""]
        lines += [f"{table.rows:,} rows.", "", "| column | type | description |", "|---|---|---|"]
        columns = entry.get("columns", {})
        lines += [f"| `{column}` | {kind} | {_one_line(columns.get(column, ''))} |" for column, kind in table.columns]
        lines.append("")
    return "\n".join(lines)


def _descriptions(folders: Iterable[Path]) -> dict[str, Any]:
    """Description and columns by table, from the models and sources of dbt's YAML files."""
    found: dict[str, Any] = dict(_WRITTEN_HERE)
    for path in (path for folder in folders for path in sorted(folder.glob("*.yml"))):
        content = yaml.load(path.read_text(encoding="utf-8"), _LOADER) or {}  # noqa: S506  both are safe loaders
        tables = [
            *(content.get("models") or []),
            *(table for source in content.get("sources") or [] for table in source.get("tables") or []),
        ]
        for table in tables:
            found[table["name"]] = {
                "description": table.get("description", ""),
                "columns": {column["name"]: column.get("description", "") for column in table.get("columns") or []},
            }
    return found


def _one_line(text: str) -> str:
    return " ".join(str(text).split()).replace("|", "\\|")
