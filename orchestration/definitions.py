"""The one place that assembles assets, checks, jobs, schedules and sensors."""

from __future__ import annotations

import dagster as dg

from orchestration.assets.raw import raw_assets
from orchestration.assets.release import build_release_assets
from orchestration.assets.statistics import statistics
from orchestration.assets.warehouse import build_warehouse_assets
from orchestration.automation import build_schedule, build_sensors, registry_refresh
from orchestration.dbt import parsed_manifest
from orchestration.resources import RegistrySettings


def build_definitions(registry_settings: RegistrySettings | None = None) -> dg.Definitions:
    """Everything Dagster knows of the registry.

    Args:
        registry_settings: folders and limits of one registry; by default those of the REGISTRY_* variables.

    Returns:
        Definitions whose runs execute in process, one step after the other: every step of its own process would import
        everything again, and the build file has one writer.
    """
    resource = registry_settings or RegistrySettings()
    settings = resource.load()
    warehouse = build_warehouse_assets(parsed_manifest(settings))
    release, gate = build_release_assets(warehouse)
    return dg.Definitions(
        assets=[*raw_assets, warehouse, statistics, release],
        asset_checks=[gate],
        jobs=[registry_refresh],
        schedules=[build_schedule(settings)],
        sensors=build_sensors(settings),
        resources={"registry_settings": resource},
        executor=dg.in_process_executor,
    )


@dg.definitions
def registry_definitions() -> dg.Definitions:
    """What `workspace.yaml` points to; evaluated when a code location loads, not at import."""
    return build_definitions()
