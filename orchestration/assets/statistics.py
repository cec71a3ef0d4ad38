"""Counts → intervals and survival: everything that needs scipy, statsmodels and lifelines."""

from collections.abc import Iterable, Iterator
from typing import Any

import dagster as dg

from orchestration.models import column_schema
from orchestration.redaction import redact_errors
from orchestration.resources import SAFETY_TEAM, RegistrySettings
from orchestration.runs import continue_plan
from registry import refresh
from registry.build.dbt_project import Node
from registry.statistics.marts import MARTS

COUNTS = dg.AssetKey(["counts"])


def build_statistics_assets(nodes: Iterable[Node]) -> dg.AssetsDefinition:
    """The marts that Python writes as one multi-asset, described by the nodes of the parsed dbt project."""
    marts = {node.name: node for node in nodes if node.name in MARTS}

    @dg.multi_asset(
        name="statistics",
        specs=[
            dg.AssetSpec(
                name,
                group_name="statistics",
                owners=[SAFETY_TEAM],
                kinds={"python", "duckdb"},
                description=marts[name].description,
                deps=[COUNTS],
                metadata={"dagster/column_schema": column_schema(marts[name])},
            )
            for name in MARTS
        ],
    )
    def statistics(context: dg.AssetExecutionContext, registry_settings: RegistrySettings) -> Iterator[Any]:
        with redact_errors(registry_settings, "statistics") as timer:
            rows = refresh.write_statistics(continue_plan(context, registry_settings))
            seconds = timer.seconds()
        for name in MARTS:
            yield dg.MaterializeResult(asset_key=name, metadata={"dagster/row_count": rows[name], **seconds})

    return statistics
