"""Run the job `registry_refresh` in this process, for `registry refresh`, on the instance that the UI shows."""

from __future__ import annotations

import dagster as dg

from orchestration.automation import REFRESH_JOB
from orchestration.definitions import build_definitions
from orchestration.instance import open_instance
from orchestration.redaction import take_last_error
from orchestration.resources import RegistrySettings
from orchestration.runs import PROCESS_TAG, TRIGGER_TAG, fail_dead_runs, process_tag
from registry.refresh import Plan

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def run_job(plan: Plan) -> bool:
    """Run every step under this plan; returns whether the run succeeded.

    Raises:
        KeyboardInterrupt: if the run was stopped by Ctrl-C, by SIGTERM or in the UI.
        Exception: the full error of a step; Dagster has stored it without values.
    """
    settings = plan.settings
    resource = RegistrySettings(
        home=str(settings.home),
        deliveries=str(settings.deliveries),
        config=str(settings.config or ""),
        through=settings.through or "",
    )
    job = build_definitions(resource).resolve_job_def(REFRESH_JOB)
    take_last_error()  # one of an earlier run in this process
    with open_instance(settings) as instance:
        fail_dead_runs(instance)
        try:
            result = job.execute_in_process(
                instance=instance,
                run_id=plan.run_id,
                run_config=QUIET,
                tags={PROCESS_TAG: process_tag(), TRIGGER_TAG: "command"},
                raise_on_error=False,
            )
        finally:
            told = take_last_error()
        if _was_stopped(instance, plan.run_id):
            raise KeyboardInterrupt
        if told is not None:
            raise told
    return result.success


def _was_stopped(instance: dg.DagsterInstance, run_id: str) -> bool:
    """Whether the run was stopped; Dagster records this as a failure unless it was stopped in the UI."""
    run = instance.get_run_by_id(run_id)
    return run is not None and (
        run.status == dg.DagsterRunStatus.CANCELED or run.tags.get("dagster/failure_reason") == "UNEXPECTED_TERMINATION"
    )
