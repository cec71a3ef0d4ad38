"""Commands for the operator: status and doctor."""

from __future__ import annotations

from pathlib import Path

import click

from registry.cli.options import DELIVERIES, HOME


@click.command()
@HOME
@DELIVERIES
@click.option("--timings", "with_timings", is_flag=True, help="Show how long each step of the last refresh took.")
def status(home: Path | None, deliveries: Path | None, with_timings: bool) -> None:
    """Show the deliveries, what is not loaded yet, the current release, and a running refresh."""
    from registry.cli.console import console, print_rows
    from registry.config.settings import load_settings
    from registry.operations.status import describe, timings

    settings = load_settings(home=home, deliveries=deliveries)
    if with_timings:
        print_rows(["step", "seconds", "CPU seconds"], timings(settings))
        return
    lines, mistake = describe(settings)
    for label, value in lines:
        console.print(f"{label:<22}{value}")
    if mistake:
        raise mistake


@click.command()
@HOME
@DELIVERIES
def doctor(home: Path | None, deliveries: Path | None) -> None:
    """List what is wrong and how to fix it, one line each. Exit code 2 if something is wrong."""
    from rich.markup import escape

    from registry.cli.console import console
    from registry.config.settings import load_settings
    from registry.operations.doctor import examine

    shown = {"ok": "[green]ok[/green]    ", "notice": "[yellow]notice[/yellow]", "wrong": "[bold red]wrong[/bold red] "}
    n_wrong = 0
    for finding in examine(load_settings(home=home, deliveries=deliveries)):
        console.print(f"{shown[finding.level]}  {finding.subject:<11} {escape(finding.text)}")
        n_wrong += finding.level == "wrong"
    if n_wrong:
        raise click.exceptions.Exit(2)
