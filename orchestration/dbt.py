"""Where dbt is, what it parsed, and how its models are named and grouped as assets."""

from __future__ import annotations

import json
import os
import shutil
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
from registry.settings import Settings
from registry.vault import private_files
from registry.warehouse import dbt_environment

# The console script of this very interpreter: PATH may hold another dbt, or none.
DBT_EXECUTABLE = Path(sys.executable).parent / "dbt"
PARTIAL_PARSE = "partial_parse.msgpack"


def parsed_manifest(settings: Settings) -> Path:
    """The manifest of the models as they stand, parsed again where a file of the dbt project is newer.

    One a home: dbt's parse holds for one profile, and the profile names the home's files.

    Raises:
        UserError: if dbt can't parse the project.
    """
    manifest = parse_folder(settings) / "manifest.json"
    sources = [path for path in DBT_PROJECT.rglob("*") if path.suffix in {".sql", ".yml", ".csv"}]
    newest = max(path.stat().st_mtime for path in sources if "target" not in path.parts)
    if not manifest.exists() or manifest.stat().st_mtime < newest:
        manifest.parent.mkdir(parents=True, exist_ok=True)
        target = ["--target-path", str(manifest.parent), "--log-path", str(manifest.parent)]
        folders = ["--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)]
        done = subprocess.run(
            [str(DBT_EXECUTABLE), "--quiet", *target[2:], "parse", *target[:2], *folders],
            env={**os.environ, **dbt_environment(settings)},
            capture_output=True,
            check=False,
        )
        if done.returncode != 0 or not manifest.exists():
            raise UserError(f"dbt can't parse {DBT_PROJECT}: run 'dbt parse' there to see where")
        manifest.touch()
    return manifest


def manifest_content(manifest: Path) -> Mapping[str, Any]:
    """The parsed manifest."""
    content: Mapping[str, Any] = json.loads(manifest.read_text())
    return content


def parse_folder(settings: Settings) -> Path:
    """Where the parse of this home is kept."""
    return settings.dbt_target / "parsed"


def new_run_folder(settings: Settings, run_id: str) -> Path:
    """The target folder of one invocation, with the parse put ready; of earlier runs the last three are kept.

    In the vault: run results and logs quote the values that a model or test failed on.
    """
    settings.dbt_runs.mkdir(mode=0o700, exist_ok=True)
    earlier = [path for path in settings.dbt_runs.iterdir() if path.is_dir()]
    for path in sorted(earlier, key=lambda folder: folder.stat().st_mtime)[:-3]:
        shutil.rmtree(path, ignore_errors=True)
    target = settings.dbt_runs / run_id
    target.mkdir(mode=0o700, exist_ok=True)
    parse = parse_folder(settings) / PARTIAL_PARSE
    if parse.exists():
        with private_files():  # a copy would keep the mode that the parsed project has outside the vault
            shutil.copyfile(parse, target / PARTIAL_PARSE)
    return target


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
