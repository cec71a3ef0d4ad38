"""Raw → staging → intermediate → marts: every dbt model in one invocation, with its tests as checks."""

import importlib
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout
from graphlib import TopologicalSorter
from importlib.metadata import version
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliEventMessage, DbtCliInvocation, dbt_assets
from packaging.version import Version

from orchestration.dbt import DBT_EXECUTABLE, RegistryTranslator, manifest_content, new_run_folder
from orchestration.guard import guarded
from orchestration.resources import UNCHANGED, RegistrySettings, is_unchanged
from orchestration.runs import enter
from registry import journal, warehouse
from registry.paths import DBT_PROJECT
from registry.settings import Settings
from registry.vault import private_files
from registry.withdrawal.settling import settle

# Unit tests prove the SQL, not the data: `make test` runs them, a refresh does not.
BUILD = ("build", "--exclude-resource-type", "unit_test")


def import_ahead() -> None:
    """Import what the later steps need while dbt works in its own process: ten seconds saved a refresh."""
    names = (
        "lifelines",
        "statsmodels.stats.rates",
        "statsmodels.stats.proportion",
        "statsmodels.duration.survfunc",
        "expectations.gx",
    )
    threading.Thread(target=lambda: [importlib.import_module(name) for name in names], daemon=True).start()


def build_warehouse_assets(manifest: Path) -> dg.AssetsDefinition:
    """All dbt models, seeds and tests as one multi-asset."""

    @dbt_assets(manifest=manifest, dagster_dbt_translator=RegistryTranslator(), name="warehouse")
    def warehouse_assets(context: dg.AssetExecutionContext, registry_settings: RegistrySettings) -> Iterator[Any]:
        with guarded(registry_settings, "warehouse"):
            settings = enter(context, registry_settings)
            if is_unchanged(context.run.run_id):
                for key in in_order(context):
                    yield dg.MaterializeResult(asset_key=key, metadata=UNCHANGED)
                return
            settle(settings)  # what was loaded just now of forgotten patients leaves no trace in the vault's file
            warehouse.prepare(settings)
            target = new_run_folder(settings, context.run.run_id)
            with private_files():
                invocation = invoke_dbt(context, settings, manifest_content(manifest), target)
            import_ahead()
            raw_events = said_by(invocation, target)
            counts = warehouse.row_counts(settings)
            journal.record(settings, "warehouse_built", tables=len(counts), rows=sum(counts.values()))
            for raw_event in raw_events:
                yield from _with_rows(
                    raw_event.to_default_asset_events(
                        manifest=invocation.manifest,
                        dagster_dbt_translator=invocation.dagster_dbt_translator,
                        context=context,
                        target_path=target,
                    ),
                    counts,
                )
            warehouse.raise_for_failures(target, is_successful=invocation.is_successful())

    return warehouse_assets


def invoke_dbt(
    context: dg.AssetExecutionContext, settings: Settings, manifest: Mapping[str, Any], target: Path
) -> DbtCliInvocation:
    """Start dbt on the selected assets.

    Not by DbtCliResource: it asks dbt for its version and opens an adapter in this process at every call, which takes
    longer than the models of a small registry and would lock the build file.
    """
    environment = {
        **os.environ,
        **warehouse.dbt_environment(settings),
        "DAGSTER_DBT_CLI": "true",
        "PYTHONUNBUFFERED": "1",
        "DBT_LOG_FORMAT": "json",
        "DBT_TARGET_PATH": str(target),
        "DBT_LOG_PATH": str(target),
        "DBT_PROJECT_DIR": str(DBT_PROJECT),
        "DBT_PROFILES_DIR": str(DBT_PROJECT),
    }
    return DbtCliInvocation.run(
        args=[str(DBT_EXECUTABLE), *BUILD, *selection(context)],
        env=environment,
        manifest=manifest,
        dagster_dbt_translator=RegistryTranslator(),
        project_dir=DBT_PROJECT,
        target_path=target,
        raise_on_error=False,
        context=context,
        adapter=None,
        cli_version=Version(version("dbt-core")),
    )


def said_by(invocation: DbtCliInvocation, target: Path) -> list[DbtCliEventMessage]:
    """The events of dbt, once it has ended. What it prints quotes values: it stays with its artefacts, in the vault."""
    path = target / "stdout.log"
    with (
        private_files(),
        path.open("w", encoding="utf-8", errors="backslashreplace") as printed,
        redirect_stdout(printed),
    ):
        return list(invocation.stream_raw_events())


def in_order(context: dg.AssetExecutionContext) -> list[dg.AssetKey]:
    """The selected assets, each after those it depends on: Dagster takes them in no other order."""
    selected = context.selected_asset_keys
    depends_on = {key: context.assets_def.asset_deps[key] & selected for key in selected}
    return list(TopologicalSorter(depends_on).static_order())


def selection(context: dg.AssetExecutionContext) -> list[str]:
    """Dbt's words for the assets selected in Dagster: none where all are; an asset's last part is the model's name."""
    if not context.is_subset:
        return []
    return ["--select", *sorted(key.path[-1] for key in context.selected_asset_keys)]


def _with_rows(events: Iterator[Any], counts: dict[str, int]) -> Iterator[Any]:
    """The events of dbt, each table with its number of rows."""
    for event in events:
        if isinstance(event, dg.Output) and event.metadata and "unique_id" in event.metadata:
            name = str(event.metadata["unique_id"].value).split(".")[-1]
            if name in counts:
                yield event.with_metadata({**event.metadata, "dagster/row_count": counts[name]})
                continue
        yield event
