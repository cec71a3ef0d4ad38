"""Raw → staging → intermediate → marts: every dbt model in one build, with dbt's data tests as one check per asset."""

import logging
from collections.abc import Iterator
from typing import Any

import dagster as dg

from orchestration.models import DbtAssets
from orchestration.redaction import redact_errors
from orchestration.resources import RegistrySettings
from orchestration.runs import continue_plan
from registry import refresh
from registry.build import dbt_runner, warehouse
from registry.build.dbt_runner import BuildFailed, NodeResult
from registry.system import event_log

log = logging.getLogger("registry.orchestration")


def build_warehouse_assets(models: DbtAssets) -> dg.AssetsDefinition:
    """All dbt models, seeds and data tests as one multi-asset."""

    @dg.multi_asset(
        name="warehouse",
        specs=models.specs(),
        check_specs=models.check_specs(),
        can_subset=True,
    )
    def warehouse_assets(context: dg.AssetExecutionContext, registry_settings: RegistrySettings) -> Iterator[Any]:
        results: list[NodeResult] = []

        def heard(result: NodeResult) -> None:
            results.append(result)
            built = sum(one.kind == "model" for one in results)
            if result.kind == "model" and built % 20 == 0:
                log.info("%d models built", built)

        checks = context.selected_asset_check_keys
        with redact_errors(registry_settings, "warehouse"):
            plan = continue_plan(context, registry_settings)
            keys = models.in_order(context.selected_asset_keys)
            failure: BuildFailed | None = None
            rows, rows_before = dict[str, int](), dict[str, int]()
            try:
                if keys:
                    rows_before = warehouse.row_counts_before(plan.settings)
                    rows = refresh.build_warehouse(plan, _selection(context, models), heard)
                    event_log.record(plan.settings, "warehouse_built", tables=len(rows), rows=sum(rows.values()))
                else:
                    tests = [test.name for key in checks for test in models.tests[key.asset_key]]
                    dbt_runner.run(plan.settings, ["test", "--select", *tests], plan.run_id, on_result=heard)
            except BuildFailed as failed:
                failure = failed
            for key in [] if failure else keys:
                yield dg.MaterializeResult(asset_key=key, metadata=models.built(key, rows, rows_before, results))
            for check in checks:
                result = models.results_of(check.asset_key, results)
                if result is not None:
                    yield result
            if failure:
                raise failure

    return warehouse_assets


def _selection(context: dg.AssetExecutionContext, models: DbtAssets) -> list[str]:
    """The models of the selected assets; empty for a complete build."""
    if set(context.selected_asset_keys) == set(models.models):
        return []
    return sorted(node.name for key in context.selected_asset_keys for node in models.models[key])
