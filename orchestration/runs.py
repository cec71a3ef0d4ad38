"""Runs and the lock: which process a run lives in, who may work now, and what to do with runs whose process is gone."""

from __future__ import annotations

import logging
import os
from datetime import UTC, datetime, timedelta

import dagster as dg
import psutil

from orchestration.resources import RegistrySettings
from registry import lock
from registry.settings import Settings

log = logging.getLogger("registry.orchestration")

PROCESS_TAG = "registry/process"
# A run of the UI bears no tag before its first step. Loading definitions takes under a minute; an hour is dead.
UNTAGGED_GRACE = timedelta(hours=1)


def process_tag() -> str:
    """Name this process, told apart from a later one with the same number."""
    return f"{os.getpid()}:{psutil.Process().create_time():.0f}"


def enter(context: dg.AssetExecutionContext, registry_settings: RegistrySettings) -> Settings:
    """Begin a step: read the settings, tag the run with its process and take the refresh lock.

    Waits for whoever holds the lock; runs that a dead process left behind are marked failed once it is taken.

    Raises:
        registry.errors.UserError: if registry.yml holds a mistake.
    """
    settings = registry_settings.load()
    log.info("%s", context.op_execution_context.op.name.replace("__", " "))
    run = context.run
    if PROCESS_TAG not in run.tags:
        context.instance.add_run_tags(run.run_id, {PROCESS_TAG: process_tag()})
    if lock.acquire(settings, f"Dagster run {run.run_id[:8]}"):
        fail_dead_runs(context.instance, run.run_id)
    return settings


def fail_dead_runs(instance: dg.DagsterInstance, own_run_id: str | None = None) -> list[str]:
    """Mark every run that claims to be under way, but whose process is gone, as failed. Returns their ids."""
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
        log.warning("run %s had been left behind by a dead process: marked failed", run.run_id[:8])
    return failed


def _is_alive(tag: str | None, created: datetime) -> bool:
    if tag is None:
        return datetime.now(UTC) - created.astimezone(UTC) < UNTAGGED_GRACE
    pid, _, started = tag.partition(":")
    try:
        return f"{psutil.Process(int(pid)).create_time():.0f}" == started
    except (psutil.NoSuchProcess, ValueError):
        return False
