"""Small registries for tests: deliveries loaded and built, without Dagster and without a release."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from registry import ingest, refresh, release
from registry.build import dbt_runner
from registry.config.input_contract import ENTITIES
from registry.config.settings import Settings, load_settings
from registry.paths import DBT_PROJECT
from registry.vault.database import connect_vault


def load(home: Path) -> Settings:
    """Load everything under <home>/deliveries into the vault."""
    settings = load_settings(home=home)
    files = ingest.discover(settings)
    with connect_vault(settings):  # opened once for all
        ingest.write_config(settings, ingest.load_profiles(settings))
        for entity in ENTITIES:
            ingest.load_entity(settings, entity, files)
    return settings


def dbt(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run dbt's own command on this home; its output is returned, not shown."""
    settings.dbt_target.mkdir(parents=True, exist_ok=True)
    environment = {
        **os.environ,
        **dbt_runner.environment(settings),
        "DBT_TARGET_PATH": str(settings.dbt_target),
        "DBT_LOG_PATH": str(settings.dbt_target),
    }
    command = [str(Path(sys.executable).parent / "dbt"), "--no-use-colors", *arguments]
    folders = ["--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)]
    return subprocess.run([*command, *folders], env=environment, capture_output=True, text=True, check=False)


def plan_of(home: Path) -> refresh.Plan:
    """A plan of what is delivered to this home, whatever is missing there."""
    return refresh.make_plan(load_settings(home=home), "test", accept_missing=True)


def build(home: Path) -> Settings:
    """Load and build the warehouse of this home."""
    plan = plan_of(home)
    for entity in ENTITIES:
        refresh.load_entity(plan, entity)
    refresh.build_warehouse(plan, run_dbt=models_alone)
    return plan.settings


def refresh_home(home: Path) -> release.Outcome:
    """Refresh this home: the steps that Dagster's assets call, without Dagster.

    Raises:
        GateRefused: if a critical check failed.
    """
    return refresh.run(refresh.make_plan(load_settings(home=home), "test"))


def models_alone(plan: refresh.Plan, *_: object) -> None:
    """Let dbt build all seeds and models."""
    without = ["--exclude-resource-types", "unit_test", "test"]
    dbt_runner.run(plan.settings, ["build", *without], plan.run_id)
