"""Commands that read a release: SQL queries, and the trace of an episode."""

from __future__ import annotations

from pathlib import Path

import click

from registry.cli.options import FORMAT, HOME
from registry.errors import UserError


@click.command()
@click.argument("query")
@HOME
@FORMAT
@click.option("--release", "release_id", help="Use this release instead of the current one.")
@click.option("--refused", is_flag=True, help="Use the build that the gate refused last instead of a release.")
@click.option(
    "--timeout", default=600, show_default=True, type=click.IntRange(min=0), help="Stop after SECONDS; 0: never."
)
def sql(query: str, home: Path | None, form: str, release_id: str | None, refused: bool, timeout: int) -> None:
    """Query the current release, read-only, without access to files, the network or extensions.

    With --refused the build that the gate refused last, which lacks what is written at publication: mart_new_cases,
    meta.release and meta.check_result (see registry gate).
    """
    from registry.cli.console import print_rows
    from registry.config.settings import load_settings
    from registry.release.query import query as run_query

    if not query.strip():
        raise UserError('no query given; for example: registry sql "select * from mart_sensitivity"')
    if refused and release_id:
        raise UserError("--refused and --release exclude each other: the refused build is not a release")
    settings = load_settings(home=home, for_reading=True)
    columns, rows = run_query(settings, query, release_id, seconds=timeout or None, refused=refused)
    print_rows(columns, rows, form)


@click.command("trace")
@click.argument("episode_id")
@HOME
@click.option("--release", "release_id", help="Use this release instead of the current one.")
def trace_command(episode_id: str, home: Path | None, release_id: str | None) -> None:
    """Explain an episode step by step: the rule that applied, and the file and record behind it.

    EPISODE_ID is the id in fct_neutropenia_episode, or its first digits.
    """
    from registry.cli.console import console, print_rows
    from registry.config.settings import load_settings
    from registry.release.trace import trace
    from registry.trace_rules import RULES

    traced = trace(load_settings(home=home, for_reading=True), episode_id, release_id)
    definition = traced.definition
    print_rows(["", ""], [[name, value] for name, value in traced.episode.items() if value is not None])
    console.print(f"\n[bold]definition[/bold] {definition['definition_id']}: {definition['label']}")
    console.print(f"content hash {definition['content_hash']}\n")
    print_rows(
        ["step", "date", "rule", "ANC", "", "as reported", "what", "file", "record"],
        [
            [
                step["step"],
                step["on_date"],
                step["rule"],
                step["anc"],
                "nadir" if step["is_nadir"] else "",
                step["as_reported"],
                step["what"],
                step["file"],
                step["record_number"],
            ]
            for step in traced.steps
        ],
    )
    console.print("\n[bold]rules that applied[/bold]")
    print_rows(
        ["rule", "decides", "meaning"],
        [[rule, ", ".join(RULES[rule].decides), says] for rule, says in traced.rules()],
    )
    if not traced.is_vault_read:
        console.print("\nfiles are shown by id: the vault, which has their names, can't be read now")
