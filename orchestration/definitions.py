"""Assembles assets, checks, jobs, schedules and sensors."""

from __future__ import annotations

import warnings

import dagster as dg

from orchestration.assets.gate import build_gate
from orchestration.assets.raw import raw_assets
from orchestration.assets.release import release
from orchestration.assets.statistics import build_statistics_assets
from orchestration.assets.warehouse import build_warehouse_assets
from orchestration.automation import build_schedule, build_sensors, registry_refresh
from orchestration.models import DbtAssets
from orchestration.resources import RegistrySettings
from registry.build.dbt_project import parsed_project
from registry.statistics.marts import MARTS

warnings.filterwarnings(
    "ignore", category=dg.BetaWarning
)  # links to source code; a user of the command can't act on it


def build_definitions(registry_settings: RegistrySettings | None = None) -> dg.Definitions:
    """All Dagster definitions of the registry.

    Args:
        registry_settings: folders and limits of one registry; by default from the REGISTRY_* variables.

    Returns:
        Definitions whose runs execute in process, one step after the other: a process per step would import everything
        again, and the build file allows only one writer.
    """
    resource = registry_settings or RegistrySettings()
    settings = resource.load()
    nodes = parsed_project().nodes
    models = DbtAssets.of(nodes)
    built = [*models.published, *(dg.AssetKey([name]) for name in MARTS)]
    return dg.Definitions(
        assets=dg.with_source_code_references(
            [
                *raw_assets,
                build_warehouse_assets(models),
                build_statistics_assets(nodes.values()),
                build_gate(built),
                release,
            ]
        ),
        jobs=[registry_refresh],
        schedules=[build_schedule(settings)],
        sensors=build_sensors(settings),
        resources={"registry_settings": resource},
        executor=dg.in_process_executor,
    )


@dg.definitions
def registry_definitions() -> dg.Definitions:
    """The definitions named in `workspace.yaml`; evaluated when a code location loads, not at import."""
    return build_definitions()
