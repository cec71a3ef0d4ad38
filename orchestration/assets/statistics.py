"""Marts → intervals and survival: everything that needs scipy, statsmodels and lifelines."""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg

from orchestration.redaction import redact_errors
from orchestration.resources import SAFETY_TEAM, RegistrySettings
from orchestration.runs import continue_plan
from registry import refresh

STATISTICS = {
    "mart_incidence": (
        "Risk (Clopper–Pearson, Wilson) and rate (exact Poisson, log-Wald) by definition, overall, by drug, by site."
    ),
    "mart_incidence_by_period": "Rate in the first year on anti-CD20 treatment and later, with their ratio.",
    "mart_time_to_onset": (
        "Time from the index date to the first case episode: Kaplan–Meier, and Aalen–Johansen with death as "
        "competing risk."
    ),
    "mart_duration": "Days from the last dose to onset, and from onset to recovery (Kaplan–Meier, by G-CSF).",
    "mart_recurrence": "Share of cases that recurred, by the treatment after the episode (Clopper–Pearson, Wilson).",
    "mart_review_agreement": "Agreement of chart reviews on the same episode, with Cohen's kappa.",
}
BEHIND = [["intermediate"], ["fct_neutropenia_episode"], ["mart_rechallenge"], ["dim_case_definition"]]


def build_statistics_assets(schemas: Mapping[str, dg.TableSchema]) -> dg.AssetsDefinition:
    """The marts that Python writes, as one multi-asset; `schemas` has the columns of each."""

    @dg.multi_asset(
        name="statistics",
        specs=[
            dg.AssetSpec(
                name,
                group_name="statistics",
                owners=[SAFETY_TEAM],
                kinds={"python", "duckdb"},
                description=description,
                deps=[dg.AssetKey(key) for key in BEHIND],
                metadata={"dagster/column_schema": schemas[name]} if name in schemas else {},
            )
            for name, description in STATISTICS.items()
        ],
    )
    def statistics(context: dg.AssetExecutionContext, registry_settings: RegistrySettings) -> Iterator[Any]:
        with redact_errors(registry_settings, "statistics") as timer:
            rows = refresh.write_statistics(continue_plan(context, registry_settings))
            seconds = timer.seconds()
        for name in STATISTICS:
            yield dg.MaterializeResult(asset_key=name, metadata={"dagster/row_count": rows[name], **seconds})

    return statistics
