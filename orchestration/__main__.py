"""`python -m orchestration refresh|dev`: what `registry refresh` and `make dev` start.

The `registry` package imports no Dagster, so its command starts this one. Exit codes: 0 done · 2 bad usage,
configuration or unreadable input · 3 the gate, or a test of the build, refused.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestration.telling import told_of_failures
from registry.console import ProgressHandler, console, print_error
from registry.errors import UserError
from registry.incident import understood
from registry.settings import Settings, load_settings

if TYPE_CHECKING:
    from expectations import CheckResult
    from registry.account import SiteAccount
    from registry.release import Release

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@click.group()
def main() -> None:
    """Run the registry's Dagster job, or its UI."""


@main.command()
@click.option("--home", type=click.Path(path_type=Path))
@click.option("--deliveries", type=click.Path(path_type=Path))
@click.option("--config", type=click.Path(path_type=Path))
@click.option("--through")
@click.option("--no-wait", is_flag=True)
def refresh(
    home: Path | None, deliveries: Path | None, config: Path | None, through: str | None, no_wait: bool
) -> None:
    """Run the job `registry_refresh` in this process, against the instance that the UI shows."""
    settings: Settings | None = None
    try:
        settings = load_settings(home=home, deliveries=deliveries, config=config, through=through)
        sys.exit(_refresh(settings, no_wait))
    except Exception as error:  # noqa: BLE001  a traceback would show what it quotes
        line = understood(settings, error, "refresh")
        print_error(str(line))
        sys.exit(line.exit_code)


def _refresh(settings: Settings, no_wait: bool) -> int:
    from registry import ingest, lock

    run_id = str(uuid.uuid4())
    with told_of_failures(settings, run_id) as run:
        if not settings.deliveries.is_dir():
            raise UserError(
                f"{settings.deliveries}: no such folder; put the sites' exports there or name it with --deliveries"
            )
        # a mistake in these is told at once, before Dagster takes its time to start; no file is opened before it is
        # known to lie in the deliveries
        ingest.find(settings)
        ingest.load_profiles(settings)
        progress = ProgressHandler()
        logging.getLogger("registry").addHandler(progress)
        logging.getLogger("registry").setLevel(logging.INFO)
        # in an unchanged refresh no dbt test runs, and Dagster would warn of each; the gate's decision stands
        logging.getLogger("dagster._core.execution.plan.active").setLevel(logging.ERROR)
        lock.acquire(settings, "registry refresh", wait=not no_wait)
        try:
            run.begin()
            with progress.status("starting Dagster"):
                run.exit_code = _run_job(settings, run_id)
        finally:
            lock.release(settings)
    return run.exit_code


def _run_job(settings: Settings, run_id: str) -> int:
    import dagster as dg

    from orchestration.automation import REFRESH_JOB
    from orchestration.definitions import build_definitions
    from orchestration.guard import pop_told
    from orchestration.instance import open_instance
    from orchestration.resources import RegistrySettings
    from orchestration.runs import PROCESS_TAG, fail_dead_runs, process_tag
    from registry import account, release

    resource = RegistrySettings(
        home=str(settings.home),
        deliveries=str(settings.deliveries),
        config=str(settings.config or ""),
        through=settings.through or "",
    )
    job = build_definitions(resource).resolve_job_def(REFRESH_JOB)
    with open_instance(settings) as instance:
        fail_dead_runs(instance)
        try:
            # dbt's own output belongs to its log; here the registry's progress lines say what happens
            with Path(os.devnull).open("w") as devnull, contextlib.redirect_stdout(devnull):
                result = job.execute_in_process(
                    instance=instance,
                    run_id=run_id,
                    run_config=QUIET,
                    tags={PROCESS_TAG: process_tag()},
                    raise_on_error=True,
                )
        except dg.Failure:
            told = pop_told()
            if told is not None:
                raise told from None
            print_error("the gate refused: nothing was published, the previous release stays in force")
            decision = release.last_decision(settings)
            for check in decision.audit.blocking if decision else ():
                console.print(f"  [bold]{check.check_id}[/bold] on {check.table}: {_failing(check)}")
                _print_remedy(check)
            results = settings.home / "gate" / "last.json"
            console.print(f"  all results: {results}")
            _print_account(account.of_build(settings))
            return 3
    current = release.current(settings)
    status = result.asset_materializations_for_node("release")[-1].metadata["status"].value
    if current is not None:
        print_outcome(settings, current, str(status))
        _print_account(account.of_release(settings, with_codes=True))
    return 0


def _print_account(accounts: list[SiteAccount]) -> None:
    """What could not be used, by site."""
    from registry.account import told

    for line in told(accounts):
        console.print(f"  {line}", markup=False)


def print_outcome(settings: Settings, current: Release, status: str) -> None:
    """Say which release is in force and what the gate warned of."""
    from registry import release

    if status == "published":
        console.print(f"[bold green]published[/bold green] release [bold]{current.release_id}[/bold]  {current.path}")
    else:
        console.print(f"[bold green]unchanged[/bold green]: release [bold]{current.release_id}[/bold] stays in force")
    held_back = current.rows_held_back()
    if held_back:
        console.print(f"  {held_back:,} delivered rows are held back; which and why: registry quarantine")
    decision = release.last_decision(settings)
    stands = decision is not None and decision.status != "refused" and decision.release_id == current.release_id
    for check in decision.audit.warnings if decision and stands else ():
        console.print(f"  [yellow]warning[/yellow] {check.check_id} on {check.table}: {_failing(check)}")
        _print_remedy(check)


def _print_remedy(check: CheckResult) -> None:
    from expectations.remedies import remedy_of

    remedy = remedy_of(check.check_id)
    console.print(f"    {remedy.owner}: {remedy.action}", style="dim", highlight=False)


def _failing(check: CheckResult) -> str:
    """How many rows, what is expected, and what the check itself adds."""
    detail = f" ({check.detail})" if check.detail else ""
    return f"{check.n_unexpected:,} of {check.n_rows:,} rows. Expected: {check.description}{detail}"


@main.command()
@click.option("--port", default=3000, show_default=True)
def dev(port: int) -> None:
    """Serve the Dagster UI on 127.0.0.1 for the registry of the REGISTRY_* variables."""
    from orchestration.dbt import parsed_manifest
    from orchestration.instance import prepare_dagster_home
    from registry.paths import CHECKOUT

    try:
        settings = load_settings()
        prepare_dagster_home(settings)
        parsed_manifest(settings)
    except UserError as mistake:
        print_error(str(mistake))
        sys.exit(2)
    dagster = Path(sys.executable).parent / "dagster"
    workspace = str(CHECKOUT / "workspace.yaml")
    os.chdir(CHECKOUT)
    os.execv(dagster, [str(dagster), "dev", "-w", workspace, "-h", "127.0.0.1", "-p", str(port)])


if __name__ == "__main__":
    main()
