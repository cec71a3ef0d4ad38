"""Runs, the lock and the plan: the process of a run, who holds the lock, and which plan a step uses."""

from __future__ import annotations

import atexit
import logging
import os
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import dagster as dg
import psutil

from orchestration.resources import RegistrySettings
from registry import refresh
from registry.config.settings import Settings
from registry.errors import UserError
from registry.operations.run_record import RunRecord
from registry.refresh import Plan
from registry.system import lock

log = logging.getLogger("registry.orchestration")

PROCESS_TAG = "registry/process"
TRIGGER_TAG = "registry/trigger"
"""What started a run: command, schedule, sensor, or UI."""
OUTCOME_TAG = "registry/outcome"
RELEASE_TAG = "registry/release"
# A run of the UI has no tag before its first step. Loading definitions takes under a minute; after an hour it is dead.
UNTAGGED_GRACE = timedelta(hours=1)

records: dict[str, RunRecord] = {}
"""By run id: the records of the runs of this process, written to the event log at their end."""
_entered: list[str] = []
"""Ids of the runs of this process, the current one last."""


def process_tag() -> str:
    """Identify this process, distinct from a later one with the same number."""
    return f"{os.getpid()}:{psutil.Process().create_time():.0f}"


def begin_plan(context: dg.AssetExecutionContext, registry_settings: RegistrySettings) -> Plan:
    """Begin a step that may be the first of a refresh: the plan of this run, made now if it has none.

    Raises:
        registry.errors.UserError: for a mistake in the deliveries.
    """
    _enter(context, registry_settings)
    try:
        plan = refresh.load_plan(registry_settings.places())
        if plan.run_id == context.run.run_id:
            return plan
    except UserError:
        pass  # the first plan of this home
    return refresh.make_plan(
        registry_settings.load(), context.run.run_id, accept_missing=registry_settings.accept_missing
    )


def continue_plan(context: dg.AssetExecutionContext, registry_settings: RegistrySettings) -> Plan:
    """Begin a later step: the last plan, made by this run or, if the step runs alone, by an earlier one.

    Raises:
        registry.errors.UserError: if there is no plan yet.
    """
    _enter(context, registry_settings)
    return refresh.load_plan(registry_settings.places())


def _enter(context: dg.AssetExecutionContext, registry_settings: RegistrySettings) -> None:
    """Tag the run with its process and take the refresh lock.

    Waits for the holder of the lock, then marks runs of dead processes as failed.
    """
    settings = registry_settings.places()
    run = context.run
    if run.run_id not in _entered:
        _entered.append(run.run_id)
    step = context.op_execution_context.op.name.replace("__", " ")
    log.info("%s", step)
    if PROCESS_TAG not in run.tags:
        tags = {PROCESS_TAG: process_tag()}
        if TRIGGER_TAG not in run.tags:
            tags[TRIGGER_TAG] = "UI"
        context.instance.add_run_tags(run.run_id, tags)
    if lock.is_held_by_other(settings):
        context.log.info(f"waiting: another refresh is running ({lock.describe_holder(settings)})")
    if lock.acquire(settings, f"Dagster run {run.run_id[:8]}"):
        fail_dead_runs(context.instance, run.run_id)
        record = records[run.run_id] = RunRecord(for_journal(registry_settings), run.run_id)
        record.begin(run.tags.get(TRIGGER_TAG, "UI"))
        atexit.register(lock.release, settings)
        atexit.register(record.end)


def fail_dead_runs(instance: dg.DagsterInstance, own_run_id: str | None = None) -> list[str]:
    """Mark every run as failed that is shown as running but whose process is gone; returns their ids."""
    failed: list[str] = []
    under_way = dg.RunsFilter(
        statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.CANCELING]
    )
    for record in instance.get_run_records(under_way):
        run = record.dagster_run
        if run.run_id == own_run_id or _is_alive(run.tags.get(PROCESS_TAG), record.create_timestamp):
            continue
        instance.report_run_failed(run, message="The process of this run is gone; marked failed by the next refresh.")
        failed.append(run.run_id)
        log.warning("run %s belongs to a process that is gone: marked failed", run.run_id[:8])
    return failed


def _is_alive(tag: str | None, created: datetime) -> bool:
    if tag is None:
        return datetime.now(UTC) - created.astimezone(UTC) < UNTAGGED_GRACE
    pid, _, started = tag.partition(":")
    try:
        return f"{psutil.Process(int(pid)).create_time():.0f}" == started
    except (psutil.NoSuchProcess, ValueError):
        return False


def for_journal(registry_settings: RegistrySettings) -> Settings:
    """Settings with the study's id: those of the last plan, in a new home those of registry.yml."""
    places = registry_settings.places()
    with suppress(UserError):
        return refresh.load_plan(places).settings
    with suppress(UserError):
        return registry_settings.load()
    return places


def running() -> str | None:
    """The id of this process's current run."""
    return _entered[-1] if _entered else None


def note_failure(error: Exception) -> None:
    """Record the exit code of a failure for the runs of this process."""
    for record in records.values():
        record.exit_code = error.exit_code if isinstance(error, UserError) else 1


def note_refusal() -> None:
    """Record for the runs of this process that the gate refused."""
    for record in records.values():
        record.exit_code = 3
