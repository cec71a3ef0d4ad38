"""The dbt models as assets: one for every published table, and one each for seeds, staging, intermediate and counts.

Work tables are not materialized individually; their names, descriptions and rows are in the metadata of their stage.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any

import dagster as dg

from orchestration.resources import DATA_TEAM, SAFETY_TEAM
from registry.build.dbt_project import Node
from registry.build.dbt_runner import NodeResult
from registry.paths import DBT_PROJECT

TESTS = "data_tests"
"""Name of the check with dbt's data tests of an asset."""
_STAGES = {
    "seeds": "Terminologies, grading scales and case definitions that come with the registry.",
    "staging": "Delivered rows typed, checked against the input contract and mapped, one model per entity.",
    "intermediate": "The clinical steps between staged rows and published tables: counts, doses, episodes, outcomes.",
    "counts": "What the statistics are computed from: patients, cases, days and episodes by stratum.",
}


@dataclass(frozen=True)
class DbtAssets:
    """The assets that dbt builds: their models, what they depend on, and which have data tests."""

    nodes: Mapping[str, Node]
    models: Mapping[dg.AssetKey, tuple[Node, ...]]
    deps: Mapping[dg.AssetKey, frozenset[dg.AssetKey]]
    tests: Mapping[dg.AssetKey, tuple[Node, ...]]

    @classmethod
    def of(cls, nodes: Mapping[str, Node]) -> DbtAssets:
        """Group the nodes of the parsed project into assets."""
        models: dict[dg.AssetKey, list[Node]] = {}
        deps: dict[dg.AssetKey, set[dg.AssetKey]] = {}
        tests: dict[dg.AssetKey, list[Node]] = {}
        for node in nodes.values():
            if node.kind in ("model", "seed"):
                key = key_of(node)
                models.setdefault(key, []).append(node)
                needed = (_needed(nodes[one]) for one in node.depends_on if one in nodes)
                deps.setdefault(key, set()).update(one for one in needed if one is not None and one != key)
            elif node.kind == "test":
                tested = [nodes[one] for one in node.depends_on if nodes[one].kind == "model"]
                if tested:
                    tests.setdefault(key_of(tested[0]), []).append(node)
        return cls(
            nodes,
            {key: tuple(sorted(found, key=lambda node: node.name)) for key, found in models.items()},
            {key: frozenset(found) for key, found in deps.items()},
            {key: tuple(found) for key, found in tests.items()},
        )

    @property
    def published(self) -> list[dg.AssetKey]:
        """The tables of a release."""
        return sorted(key for key, nodes in self.models.items() if nodes[0].schema in ("main", "meta"))

    def specs(self) -> list[dg.AssetSpec]:
        """One spec per asset."""
        return [self._spec(key, nodes) for key, nodes in self.models.items()]

    def check_specs(self) -> list[dg.AssetCheckSpec]:
        """One check for each asset that has data tests."""
        return [
            dg.AssetCheckSpec(TESTS, asset=key, description=f"dbt's data tests: {_names(found)}.")
            for key, found in self.tests.items()
        ]

    def in_order(self, keys: Collection[dg.AssetKey]) -> list[dg.AssetKey]:
        """These assets, each after those it depends on: Dagster requires results in this order."""
        return list(TopologicalSorter({key: self.deps[key] & set(keys) for key in keys}).static_order())

    def built(
        self, key: dg.AssetKey, rows: Mapping[str, int], rows_before: Mapping[str, int], results: Iterable[NodeResult]
    ) -> dict[str, Any]:
        """Metadata of a built asset: rows, change since the previous build, and seconds; for a stage by model."""
        nodes = self.models[key]
        names = {node.unique_id for node in nodes}
        seconds = {"seconds": round(sum(one.seconds for one in results if one.node in names), 2)}
        if _is_stage(key):
            lines = [f"| {node.name} | {rows.get(node.name, '')} | {node.description} |" for node in nodes]
            table = "\n".join(["| model | rows | description |", "|---|---|---|", *lines])
            return {"models": len(nodes), "tables": dg.MetadataValue.md(table), **seconds}
        name = nodes[0].name
        change = {"rows_change": rows[name] - rows_before[name]} if name in rows_before else {}
        return {"dagster/row_count": rows[name], **change, **seconds}

    def results_of(self, key: dg.AssetKey, results: Iterable[NodeResult]) -> dg.AssetCheckResult | None:
        """The check result of an asset's data tests; None if none of them ran."""
        ids = {test.unique_id: test for test in self.tests.get(key, ())}
        ran = [result for result in results if result.node in ids]
        if not ran:
            return None
        lines = [f"| {ids[one.node].name} | {one.status} | {one.failures} |" for one in ran]
        return dg.AssetCheckResult(
            asset_key=key,
            check_name=TESTS,
            passed=all(one.status in ("pass", "success", "warn") for one in ran),
            metadata={
                "tests": len(ran),
                "failed": sum(one.status in ("fail", "error") for one in ran),
                "rows_at_fault": sum(one.failures for one in ran),
                "results": dg.MetadataValue.md("\n".join(["| test | result | rows |", "|---|---|---|", *lines])),
            },
        )

    def _spec(self, key: dg.AssetKey, nodes: tuple[Node, ...]) -> dg.AssetSpec:
        first = nodes[0]
        is_stage = _is_stage(key)
        description = _STAGES[key.path[0]] if is_stage else first.description
        if is_stage:
            description += f" {len(nodes)} tables: {_names(nodes)}."
        return dg.AssetSpec(
            key,
            deps=sorted(self.deps[key]),
            description=description,
            group_name=first.folder,
            owners=[SAFETY_TEAM if first.schema == "main" else DATA_TEAM],
            kinds={"dbt", "duckdb"},
            metadata={} if is_stage else {"dagster/column_schema": column_schema(first), **_source(first)},
        )


def key_of(node: Node) -> dg.AssetKey:
    """`fct_anc` for a mart, `meta/…` for an audit table, the stage for a work table or a seed."""
    if node.kind == "seed":
        return dg.AssetKey(["seeds"])
    if node.schema in _STAGES:
        return dg.AssetKey([node.schema])
    return dg.AssetKey([node.name] if node.schema == "main" else [node.schema, node.name])


def _is_stage(key: dg.AssetKey) -> bool:
    return len(key.path) == 1 and key.path[0] in _STAGES


def _source(node: Node) -> Mapping[str, Any]:
    """The link to the model's SQL."""
    reference = dg.LocalFileCodeReference(file_path=str(DBT_PROJECT / node.path), label=node.path)
    return {"dagster/code_references": dg.CodeReferencesMetadataValue(code_references=[reference])}


def column_schema(node: Node) -> dg.TableSchema:
    """The columns of a published table, with their types and descriptions."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(name, type=type_ or "unknown", description=description or None)
            for name, (type_, description) in node.columns.items()
        ]
    )


def _needed(node: Node) -> dg.AssetKey | None:
    """The asset that a model reads; None for tables of the vault other than rows as sent."""
    if node.kind != "source":
        return key_of(node)
    return dg.AssetKey(["raw", node.name]) if node.schema == "raw" else None


def _names(nodes: Iterable[Node]) -> str:
    return ", ".join(node.name for node in nodes)
