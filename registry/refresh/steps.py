"""The steps of a refresh in order, each a plain function of its plan.

A step whose predecessor has not run for the same plan raises NotReady and names what must run first. So all content of
a release is from one build, and all of the build from one plan.
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
    """A step was requested before the one that it depends on."""


def load_entity(plan: Plan, entity: str) -> ingest.LoadResult:
    """Load the plan's files of one entity into the vault.

    Raises:
        UserError: at the first file that can't be read, or has changed since the plan was made.
    """
    return ingest.load_entity(plan.settings, entity, plan.files, profiles=plan.profiles)


RunDbt = Callable[[Plan, Sequence[str], Callable[[NodeResult], None]], object]


def dbt_build(plan: Plan, only: Sequence[str], on_result: Callable[[NodeResult], None]) -> None:
    """Build these models with their data tests in dbt, by default all."""
    selection = ["--select", *only] if only else []
    dbt_runner.run(plan.settings, ["build", *dbt_runner.PRODUCTION, *selection], plan.run_id, on_result=on_result)


def build_warehouse(
    plan: Plan,
    only: Sequence[str] = (),
    on_result: Callable[[NodeResult], None] = lambda _: None,
    run_dbt: RunDbt = dbt_build,
) -> dict[str, int]:
    """Build the models from the loaded rows; returns rows by table.

    Args:
        plan: the plan under which everything was loaded.
        only: the models to build; by default all. Single models need a complete build of the same plan.
        on_result: called with each model and test when it has ended.
        run_dbt: the function that runs dbt.

    Raises:
        NotReady: if files of the plan are not loaded, or single models are requested without a build of this plan.
        BuildFailed: if a model or a test failed.
    """
    waiting = plan.to_load()
    if waiting:
        raise NotReady(
            f"{len(waiting)} delivered files are not loaded yet ({waiting[0].where}): materialize the group raw first, "
            "or run registry refresh"
        )
    apply_tombstones(plan.settings)  # purges rows of forgotten patients that were just loaded
    fingerprint = plan.fingerprint()
    if only and warehouse.stages(plan.settings).get("warehouse") != fingerprint:
        raise NotReady(
            "models, settings or loaded files have changed since the last build, so single models can't be built: "
            "materialize all, or run registry refresh"
        )
    if only:
        warehouse.unmark(plan.settings, "warehouse")  # until these models are built: each statement commits by itself
    else:
        warehouse.prepare(plan.settings, plan.generation)
    run_dbt(plan, only, on_result)
    warehouse.mark(plan.settings, "warehouse", fingerprint)
    return warehouse.row_counts(plan.settings)


def write_statistics(plan: Plan) -> dict[str, int]:
    """Compute the marts of rates, intervals and curves; returns rows by table.

    Raises:
        NotReady: if the warehouse was not built from the loaded files.
    """
    fingerprint = plan.fingerprint()
    _require(plan, fingerprint, "warehouse")
    from registry import statistics  # scipy, statsmodels and lifelines take seconds to import

    rows = statistics.write_statistics(plan.settings)
    warehouse.mark(plan.settings, "statistics", fingerprint)
    return rows


def judge(plan: Plan) -> Judged:
    """Run the gate on the build.

    Raises:
        NotReady: if the build is not complete, or not from the loaded files.
    """
    return release.judge(plan.settings, _built(plan))


def publish(plan: Plan) -> Outcome:
    """Publish the build under its fingerprint; the gate runs unless it has already passed.

    Raises:
        NotReady: if the build is not complete, or not from the loaded files.
        GateRefused: if a critical check failed.
    """
    return release.publish(plan.settings, _built(plan))


def run(plan: Plan, run_dbt: RunDbt = dbt_build, enter: Callable[[str], None] = lambda _: None) -> Outcome:
    """All steps of a refresh, without Dagster. `enter` is called with the name of each step as it begins."""
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
    """The fingerprint of what is loaded; NotReady if not all of it is built."""
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
            "the build does not have the loaded files and settings yet: materialize "
            f"{first} first, or run registry refresh"
        )
