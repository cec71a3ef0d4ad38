"""What the gate decided: the command `gate`, and the failed checks as a refresh prints them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from registry.cli.options import FORMAT, HOME
from registry.errors import UserError

if TYPE_CHECKING:
    from expectations import CheckResult
    from registry.config.settings import Settings

_COLUMNS = ("result", "check", "table", "found", "offenders", "expected", "who acts", "what to do")


@click.command()
@HOME
@FORMAT
@click.option("--failed", "only_failed", is_flag=True, help="Show only the checks that refused or warned.")
def gate(home: Path | None, form: str, only_failed: bool) -> None:
    """Show the gate's last decision: every check, what it found, and what to do about it."""
    from registry.cli.console import console, print_rows
    from registry.config.settings import load_settings
    from registry.release import gate_record

    decision = gate_record.read(load_settings(home=home, for_reading=True))
    if decision is None:
        raise UserError("the gate has not decided on anything yet: run registry refresh first")
    audit = decision.audit
    if form == "table":
        console.print(
            f"{decision.release_id}: {decision.status}, {decision.decided_at}; {len(audit.checks):,} checks, "
            f"{len(audit.blocking):,} refused, {len(audit.warnings):,} warned",
            markup=False,
        )
    passed = [] if only_failed else [check for check in audit.checks if check.passed]
    rows = [_row(check) for check in (*audit.blocking, *audit.warnings, *passed)]
    if rows or form != "table":
        print_rows(_COLUMNS, rows, form)


def print_refused(settings: Settings) -> None:
    """Print every failed check of a refused build, the blocking ones first, and how to look into it."""
    from registry.cli.console import console
    from registry.operations.concerned import deliveries_concerned
    from registry.release import gate_record

    last = gate_record.last(settings)
    failed = (*last.audit.blocking, *last.audit.warnings) if last else ()
    print_failed(failed, deliveries_concerned(settings, failed))
    console.print('  every check: registry gate; what was refused: registry sql --refused "SELECT …"', markup=False)


def print_failed(failed: Iterable[CheckResult], deliveries: Mapping[str, str]) -> None:
    """Print what failed checks expect and found, the deliveries concerned, and what to do."""
    from rich.markup import escape

    from expectations.remedies import remedy_of
    from registry.cli.console import console

    for check in failed:
        word = "[bold red]refused[/bold red]" if check.blocks else "[yellow]warning[/yellow]"
        detail = f" ({check.detail})" if check.detail else ""
        console.print(f"  {word} [bold]{check.check_id}[/bold] on {check.table}: {escape(check.found + detail)}")
        console.print(f"    expected: {check.description}", markup=False)
        if check.check_id in deliveries:
            console.print(f"    in: {deliveries[check.check_id]}", markup=False)
        remedy = remedy_of(check.check_id)
        console.print(f"    {remedy.owner}: {remedy.action}", style="dim", markup=False)


def _row(check: CheckResult) -> list[str]:
    from expectations.remedies import remedy_of

    remedy = remedy_of(check.check_id)
    word = "passed" if check.passed else "refused" if check.blocks else "warning"
    todo = ("", "") if check.passed else (remedy.owner, remedy.action)
    return [word, check.check_id, check.table, check.found, check.detail, check.description, *todo]
