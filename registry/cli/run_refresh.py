"""One refresh from the command line: the checks before Dagster starts, the job, and the summary at the end.

Exit codes: 0 done · 2 bad usage, configuration or unreadable input · 3 the gate, or a test of the build, refused ·
130 stopped by Ctrl-C or SIGTERM.
"""

from __future__ import annotations

import importlib
import logging
import signal
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from registry import ingest, refresh, release
from registry.cli.console import ProgressHandler, console, print_error
from registry.cli.gate import print_failed, print_refused
from registry.config.inputs import no_deliveries
from registry.curation import account
from registry.errors import UserError
from registry.operations import alerts
from registry.operations.error_reports import to_user_error
from registry.operations.run_record import STOPPED, RunRecord, recorded
from registry.paths import CHECKOUT
from registry.release import gate_record
from registry.release.headline_figures import figures
from registry.system import lock
from registry.system.disk import require_plain_path

if TYPE_CHECKING:
    from registry.config.settings import Settings
    from registry.curation.account import SiteAccount
    from registry.release import Release


log = logging.getLogger(__name__)

_SHOWN = 5


def run_refresh(read: Callable[[], Settings], *, wait: bool = True, accept_missing: bool = False) -> int:
    """Refresh a registry, print the result, and return the exit code.

    Args:
        read: reads the settings: now, to report mistakes before a wait, and when the refresh begins.
        wait: wait for another refresh of this home; otherwise name it and stop.
        accept_missing: continue although settings or all files of the last refresh are gone.
    """
    settings = read()
    run_id = str(uuid.uuid4())
    try:
        with recorded(settings, run_id) as record, _terminated_as_interrupted():
            return _refresh(read, settings, record, wait=wait, accept_missing=accept_missing)
    except KeyboardInterrupt:
        print_error("stopped: the current release is unchanged; the next registry refresh continues from here")
        return STOPPED
    except Exception as error:  # noqa: BLE001  a traceback would show the values it quotes
        line = to_user_error(settings, error, "refresh")
        print_error(str(line))
        return line.exit_code


def _refresh(
    read: Callable[[], Settings], settings: Settings, record: RunRecord, *, wait: bool, accept_missing: bool
) -> int:
    if not settings.deliveries.is_dir():
        raise UserError(no_deliveries(settings.home, settings.deliveries))
    require_plain_path(settings)
    # report mistakes in these before anything starts
    ingest.find(settings)
    ingest.load_profiles(settings)
    progress = ProgressHandler()
    logging.getLogger("registry").addHandler(progress)
    logging.getLogger("registry").setLevel(logging.INFO)
    logging.getLogger("registry").propagate = False
    logging.getLogger().addHandler(logging.NullHandler())  # otherwise libraries add one that prints
    lock.acquire(settings, "registry refresh", wait=wait)
    try:
        record.begin("command")
        with progress.status("reading the deliveries"):
            plan = refresh.make_plan(read(), record.run_id, accept_missing=accept_missing)
            if refresh.is_up_to_date(plan):
                record.exit_code = _confirm(plan)
            else:
                record.exit_code = _run_job(plan, record)
    finally:
        lock.release(settings)
        logging.getLogger("registry").removeHandler(progress)
    return record.exit_code


def _confirm(plan: refresh.Plan) -> int:
    """Confirm the current release: nothing is new, so neither Dagster nor dbt is started."""
    settings = plan.settings
    gone = ingest.no_longer_there(settings, plan.files)
    if gone:
        months = sorted({f"{site}/{delivery}" for site, delivery, _ in gone})
        log.warning(
            "%d loaded files are no longer there (%s%s); their rows remain in use",
            len(gone),
            ", ".join(months[:_SHOWN]),
            " and more" if len(months) > _SHOWN else "",
        )
    release.lift_if_over(settings, plan.fingerprint())
    release.remove_old(settings)
    gate_record.confirm(settings)
    current = release.current(settings)
    if current is not None:
        print_outcome(settings, current, "unchanged")
        _print_account(account.of_release(settings, with_codes=True))
    return 0


def _run_job(plan: refresh.Plan, record: RunRecord) -> int:
    settings = plan.settings
    is_published = _dagster(plan)
    if not is_published and alerts.kind_of_failure(settings, record.began) == "gate_refused":
        _print_refusal(settings)
        return 3
    current = release.current(settings)
    last = release.last_decision(settings)
    is_decided = last is not None and last.is_since(record.began) and last.status in ("published", "confirmed")
    if not is_published or not is_decided or current is None or last is None:
        raise UserError(
            "the run ended without a release; look at the run in Dagster (make dev), and run registry doctor"
        )
    print_outcome(settings, current, last.status)
    _print_account(account.of_release(settings, with_codes=True))
    return 0


def _dagster(plan: refresh.Plan) -> bool:
    """Run the Dagster job in this process; returns whether the gate passed.

    `registry` does not import Dagster, so the module is loaded by name, from the checkout.
    """
    if str(CHECKOUT) not in sys.path:
        sys.path.append(str(CHECKOUT))
    passed: bool = importlib.import_module("orchestration.command").run_job(plan)
    return passed


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Make SIGTERM end a refresh as Ctrl-C does, with everything it runs."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _print_refusal(settings: Settings) -> None:
    print_error("the gate refused: nothing was published; the current release is unchanged")
    print_refused(settings)
    _print_account(account.of_build(settings))


def print_outcome(settings: Settings, current: Release, status: str) -> None:
    """Print the current release, its figures, and the gate's warnings."""
    if status == "published":
        console.print(f"[bold green]published[/bold green] release [bold]{current.release_id}[/bold]  {current.path}")
    else:
        console.print(f"[bold green]unchanged[/bold green]: release [bold]{current.release_id}[/bold] is still current")
    found = figures(current)
    console.print(
        f"  {found.patients:,} patients, {found.cases:,} cases, {found.new_severe_cases:,} new severe cases since the "
        "previous release"
    )
    if found.rows_open:
        console.print(f"  {found.rows_open:,} quarantined rows are open; to list them: registry quarantine")
    last = release.last_decision(settings)
    is_of_current = last is not None and last.status != "refused" and last.release_id == current.release_id
    if last and is_of_current:
        print_failed(last.audit.warnings, {})


def _print_account(accounts: list[SiteAccount]) -> None:
    """Print what could not be used, by site."""
    for line in account.told(accounts):
        console.print(f"  {line}", markup=False)
