"""Raw → staging → intermediate → marts: every dbt model in one invocation, with its tests as checks."""

import importlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliResource, dbt_assets

from orchestration.dbt import DBT_EXECUTABLE, RegistryTranslator
from orchestration.runs import enter
from orchestration.resources import UNCHANGED, RegistrySettings, is_unchanged
from registry import warehouse
from registry.paths import DBT_PROJECT

# Unit tests prove the SQL, not the data: `make test` runs them, a refresh does not.
BUILD = ["build", "--exclude-resource-type", "unit_test"]


def import_ahead() -> None:
    """Import what the later steps need while dbt works in its own process: ten seconds saved a refresh."""
    names = ("lifelines", "statsmodels.stats.rates", "statsmodels.stats.proportion", "expectations.gx")
    threading.Thread(target=lambda: [importlib.import_module(name) for name in names], daemon=True).start()


def build_warehouse_assets(manifest: Path) -> dg.AssetsDefinition:
    """All dbt models, seeds and tests as one multi-asset."""

    @dbt_assets(manifest=manifest, dagster_dbt_translator=RegistryTranslator(), name="warehouse")
    def warehouse_assets(context: dg.AssetExecutionContext, registry_settings: RegistrySettings) -> Iterator[Any]:
        if is_unchanged(context.run.run_id):
            for key in context.selected_asset_keys:
                yield dg.MaterializeResult(asset_key=key, metadata=UNCHANGED)
            return
        settings = enter(context, registry_settings)
        import_ahead()
        warehouse.prepare(settings)
        os.environ.update(warehouse.dbt_environment(settings))
        dbt = DbtCliResource(
            project_dir=str(DBT_PROJECT), profiles_dir=str(DBT_PROJECT), dbt_executable=str(DBT_EXECUTABLE)
        )
        target = settings.dbt_target / context.run.run_id
        invocation = dbt.cli(
            BUILD, context=context, target_path=target, raise_on_error=False, dagster_dbt_translator=RegistryTranslator()
        )
        events = list(invocation.stream_raw_events())
        counts = warehouse.row_counts(settings)
        for raw_event in events:
            yield from _with_rows(
                raw_event.to_default_asset_events(
                    manifest=invocation.manifest,
                    dagster_dbt_translator=invocation.dagster_dbt_translator,
                    context=context,
                    target_path=target,
                ),
                counts,
            )
        warehouse.raise_for_failures(target, invocation.is_successful())

    return warehouse_assets


def _with_rows(events: Iterator[Any], counts: dict[str, int]) -> Iterator[Any]:
    """The events of dbt, each table with its number of rows."""
    for event in events:
        if isinstance(event, dg.Output) and event.metadata:
            name = str(event.metadata["unique_id"].value).split(".")[-1] if "unique_id" in event.metadata else ""
            if name in counts:
                yield event.with_metadata({**event.metadata, "dagster/row_count": counts[name]})
                continue
        yield event
