"""Small registries for tests: deliveries loaded and built, without Dagster and without a release."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from registry import ingest, warehouse
from registry.contract import ENTITIES
from registry.paths import DBT_PROJECT
from registry.settings import Settings, load_settings


def load(home: Path) -> Settings:
    """Load everything under <home>/deliveries into the vault."""
    settings = load_settings(home=home)
    files = ingest.discover(settings)
    ingest.write_config(settings, ingest.load_profiles(settings))
    for entity in ENTITIES:
        ingest.load_entity(settings, entity, files)
    return settings


def dbt(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run dbt on this home; its output is returned, not shown."""
    settings.dbt_target.mkdir(parents=True, exist_ok=True)
    environment = {
        **os.environ,
        **warehouse.dbt_environment(settings),
        "DBT_TARGET_PATH": str(settings.dbt_target),
        "DBT_LOG_PATH": str(settings.dbt_target),
    }
    command = [str(Path(sys.executable).parent / "dbt"), "--no-use-colors", *arguments]
    folders = ["--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)]
    return subprocess.run([*command, *folders], env=environment, capture_output=True, text=True, check=False)


def build(home: Path, *, with_tests: bool = False) -> Settings:
    """Load and build the warehouse of this home."""
    settings = load(home)
    warehouse.prepare(settings)
    done = dbt(settings, "build", "--exclude-resource-type", "unit_test", *([] if with_tests else ["test"]))
    assert done.returncode == 0, done.stdout[-4000:]
    return settings
