"""The steps of a refresh, each a plain function over its plan, in the order in which they stand here.

A step that does not find what the one before it should have left says what must be done first: a release is of what was
built, and what was built is of one plan.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from registry import ingest, release
from registry.build import dbt_runner, warehouse
from registry.build.dbt_runner import NodeResult
from registry.config.input_contract import ENTITIES
from registry.errors import UserError
from registry.refresh.plan import Plan
from registry.vault.apply_tombstones import apply_tombstones

if TYPE_CHECKING:
    from registry.release import Judged, Outcome


class NotReady(UserError):
    """A step was asked for before the one that it builds upon."""


def load_entity(plan: Plan, entity: str) -> ingest.LoadResult:
    """Load the plan's files of one entity into the vault.

    Raises:
        UserError: at the first file that can't be read, or was changed since the plan was made.
    """
    return ingest.load_entity(plan.settings, entity, plan.files, profiles=plan.profiles)


RunDbt = Callable[[Plan, Sequence[str], Callable[[NodeResult], None]], object]


def dbt_build(plan: Plan, only: Sequence[str], on_result: Callable[[NodeResult], None]) -> None:
    """Let dbt build these models with their data tests, by default all."""
    selection = ["--select", *only] if only else []
    dbt_runner.run(plan.settings, ["build", *dbt_runner.PRODUCTION, *selection], plan.run_id, on_result=on_result)


def build_warehouse(
    plan: Plan,
    only: Sequence[str] = (),
    on_result: Callable[[NodeResult], None] = lambda _: None,
    run_dbt: RunDbt = dbt_build,
) -> dict[str, int]:
    """Build the models from what is loaded; rows by table.

    Args:
        plan: under which everything is loaded.
        only: the models to build; by default all. Some alone are built only upon a whole build of the same plan.
        on_result: is given each model and test when it has ended.
        run_dbt: what builds them.

    Raises:
        NotReady: if files of the plan are not loaded, or some models are asked for and the rest is not of this plan.
        BuildFailed: if a model or a test of it failed.
    """
    waiting = plan.to_load()
    if waiting:
        raise NotReady(
            f"{len(waiting)} delivered files are not loaded yet ({waiting[0].where}): materialize the group raw first, "
            "or run registry refresh"
        )
    apply_tombstones(
        plan.settings
    )  # what was loaded just now of forgotten patients leaves no trace in the vault's file
    fingerprint = plan.fingerprint()
    if only and warehouse.stages(plan.settings).get("warehouse") != fingerprint:
        raise NotReady(
            "models, settings or loaded files have changed since the warehouse was built, so no model can be built "
            "alone: materialize all, or run registry refresh"
        )
    if not only:
        warehouse.prepare(plan.settings, plan.generation)
    run_dbt(plan, only, on_result)
    if not only:
        warehouse.mark(plan.settings, "warehouse", fingerprint)
    return warehouse.row_counts(plan.settings)


def write_statistics(plan: Plan) -> dict[str, int]:
    """Compute the marts of rates, intervals and curves; rows by table.

    Raises:
        NotReady: if the warehouse is not built of what is loaded.
    """
    fingerprint = plan.fingerprint()
    _require(plan, fingerprint, "warehouse")
    from registry import statistics  # scipy, statsmodels and lifelines take seconds to import

    rows = statistics.write_statistics(plan.settings)
    warehouse.mark(plan.settings, "statistics", fingerprint)
    return rows


def judge(plan: Plan) -> Judged:
    """Let the gate judge what is built.

    Raises:
        NotReady: if what is built is not of what is loaded, or only a part of it.
    """
    return release.judge(plan.settings, _built(plan))


def publish(plan: Plan) -> Outcome:
    """Publish what is built under the fingerprint that it was built from; the gate judges it unless it has already.

    Raises:
        NotReady: if what is built is not of what is loaded, or only a part of it.
        GateRefused: if a critical check failed.
    """
    return release.publish(plan.settings, _built(plan))


def run(plan: Plan, run_dbt: RunDbt = dbt_build, enter: Callable[[str], None] = lambda _: None) -> Outcome:
    """All steps of a refresh, without Dagster. `enter` is given the name of each step as it begins."""
    enter("load")
    for entity in ENTITIES:
        load_entity(plan, entity)
    enter("build")
    build_warehouse(plan, run_dbt=run_dbt)
    enter("statistics")
    write_statistics(plan)
    enter("release")
    return publish(plan)


def _built(plan: Plan) -> str:
    """The fingerprint of what is loaded, where all of it is built."""
    fingerprint = plan.fingerprint()
    _require(plan, fingerprint, "warehouse")
    _require(plan, fingerprint, "statistics")
    return fingerprint


def _require(plan: Plan, fingerprint: str, stage: str) -> None:
    if not plan.settings.warehouse.exists():
        raise NotReady(f"{plan.settings.warehouse}: nothing has been built yet; run registry refresh")
    if warehouse.stages(plan.settings).get(stage) != fingerprint:
        first = "all" if stage == "warehouse" else f"the group {stage}"
        raise NotReady(
            "what is loaded, or the settings that it was loaded with, are not in the build yet: materialize "
            f"{first} first, or run registry refresh"
        )
