"""Where dbt is, what it parsed, and how its models are named and grouped as assets."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings

from orchestration.resources import DATA_TEAM, SAFETY_TEAM
from registry.errors import UserError
from registry.paths import DBT_PROJECT

MANIFEST = DBT_PROJECT / "target" / "manifest.json"
# The console script of this very interpreter: PATH may hold another dbt, or none.
DBT_EXECUTABLE = Path(sys.executable).parent / "dbt"


def parsed_manifest() -> Path:
    """The manifest of the models as they stand, parsed again where a file of the dbt project is newer.

    Raises:
        UserError: if dbt can't parse the project.
    """
    sources = [path for path in DBT_PROJECT.rglob("*") if path.suffix in {".sql", ".yml", ".csv"}]
    newest = max(path.stat().st_mtime for path in sources if "target" not in path.parts)
    if not MANIFEST.exists() or MANIFEST.stat().st_mtime < newest:
        command = [str(DBT_EXECUTABLE), "--quiet", "parse", "--project-dir", str(DBT_PROJECT)]
        done = subprocess.run(
            [*command, "--profiles-dir", str(DBT_PROJECT)], capture_output=True, text=True, check=False
        )
        if done.returncode != 0 or not MANIFEST.exists():
            raise UserError(f"dbt can't parse {DBT_PROJECT}: run 'dbt parse' there to see where")
        MANIFEST.touch()
    return MANIFEST


class RegistryTranslator(DagsterDbtTranslator):
    """Published tables go by their own name; work tables and audit tables carry their schema."""

    def __init__(self) -> None:
        super().__init__(settings=DagsterDbtTranslatorSettings(enable_duplicate_source_asset_keys=True))

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """`fct_anc` for a mart, `meta/…`, `staging/…`, `intermediate/…`, `seeds/…` for the rest."""
        declared = dbt_resource_props.get("meta", {}).get("dagster", {}).get("asset_key")
        if declared:
            return dg.AssetKey(declared)
        schema = dbt_resource_props.get("schema", "main")
        name = dbt_resource_props["name"]
        return dg.AssetKey([name] if schema == "main" else [schema, name])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """The stage: the model's folder."""
        return "seeds" if dbt_resource_props["resource_type"] == "seed" else dbt_resource_props["fqn"][1]

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> list[str]:
        """Marts belong to those who answer for safety figures, the rest to data management."""
        return [SAFETY_TEAM if dbt_resource_props["fqn"][1] == "marts" else DATA_TEAM]
