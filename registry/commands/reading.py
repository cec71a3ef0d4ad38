"""What reads a release: its list, questions in SQL, and the trace of an episode."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from registry.commands.options import FORMAT, HOME
from registry.errors import UserError


@click.group()
def releases() -> None:
    """The published versions."""


@releases.command("list")
@HOME
def list_command(home: Path | None) -> None:
    """Every release, the newest first; the one in force is marked."""
    from registry import release
    from registry.console import console, print_rows
    from registry.settings import load_settings

    settings = load_settings(home=home)
    found = release.list_releases(settings)
    current = release.current(settings)
    if not found:
        console.print(f"no release yet in {settings.releases}; make one with: registry refresh")
        return
    print_rows(
        ["release", "in force", "published", "patients", "cases", "warnings"],
        [
            [
                one.release_id,
                "yes" if current and one.release_id == current.release_id else "",
                one.manifest["created_at"],
                _rows_of(one.manifest, "dim_patient"),
                _primary_cases(one.path),
                sum(not check["passed"] for check in one.manifest["checks"]),
            ]
            for one in found
        ],
    )


@releases.command()
@click.argument("release_id")
@HOME
def show(release_id: str, home: Path | None) -> None:
    """One release: what it holds, what it was made from, what the gate said."""
    from registry import release
    from registry.console import console, print_rows
    from registry.settings import load_settings

    one = release.load(load_settings(home=home), release_id)
    manifest = one.manifest
    console.print(f"release {one.release_id}   {one.path}")
    if manifest.get("synthetic"):
        console.print("[yellow]synthetic data[/yellow]: no patient is behind these figures")
    console.print(
        f"study {manifest['study']['study_id']}, published {manifest['created_at']}, fingerprint {one.fingerprint[:16]}"
    )
    console.print(
        f"made from {len(manifest['inputs'])} files; check the bytes with: (cd {one.path} && sha256sum -c SHA256SUMS)"
    )
    print_rows(["table", "rows"], [[name, table["rows"]] for name, table in manifest["tables"].items()])
    failed = [check for check in manifest["checks"] if not check["passed"]]
    console.print(f"gate: {len(manifest['checks'])} checks, {len(failed)} warnings")
    for check in failed:
        console.print(
            f"  {check['check_id']} on {check['table']}: {check['n_unexpected']} rows. {check['description']}"
        )


@click.command()
@click.argument("query")
@HOME
@FORMAT
@click.option("--release", "release_id", help="Another release than the one in force.")
@click.option(
    "--timeout", default=600, show_default=True, type=click.IntRange(min=0), help="Stop after SECONDS; 0 never does."
)
def sql(query: str, home: Path | None, form: str, release_id: str | None, timeout: int) -> None:
    """Query the current release, read-only: no file, network or extension can be reached from it."""
    from registry.console import print_rows
    from registry.release.query import query as run_query
    from registry.settings import load_settings

    if not query.strip():
        raise UserError('no query given; for example: registry sql "select * from mart_sensitivity"')
    columns, rows = run_query(load_settings(home=home), query, release_id, seconds=timeout or None)
    print_rows(columns, rows, form)


@click.command("trace")
@click.argument("episode_id")
@HOME
@click.option("--release", "release_id", help="Another release than the one in force.")
def trace_command(episode_id: str, home: Path | None, release_id: str | None) -> None:
    """From an episode to the file and record of every count and dose behind it, and the rules that fired.

    EPISODE_ID as in fct_neutropenia_episode, or its first digits.
    """
    from registry.console import console, print_rows
    from registry.settings import load_settings
    from registry.trace import trace

    traced = trace(load_settings(home=home), episode_id, release_id)
    definition = traced.definition
    print_rows(["", ""], [[name, value] for name, value in traced.episode.items() if value is not None])
    console.print(f"\n[bold]definition[/bold] {definition['definition_id']}: {definition['label']}")
    console.print(f"meaning {definition['content_hash']}\n")
    print_rows(
        ["step", "date", "rule", "ANC", "", "as reported", "drug", "file", "record"],
        [
            [
                step["step"],
                step["on_date"],
                step["rule"],
                step["anc"],
                "nadir" if step["is_nadir"] else "",
                step["as_reported"],
                step["drug"],
                step["file"],
                step["record_number"],
            ]
            for step in traced.steps
        ],
    )
    console.print("\n[bold]rules that fired[/bold]")
    print_rows(["", ""], traced.rules())
    if not traced.is_vault_read:
        console.print("\nfiles are shown by their ids: the vault, which has their names, can't be read now")


def _rows_of(manifest: dict[str, Any], table: str) -> int | str:
    """Rows of a table as the manifest has them."""
    return manifest["tables"].get(f"main.{table}", {}).get("rows", "")


def _primary_cases(path: Path) -> int | str:
    """Cases of the primary definition in a release."""
    import duckdb

    try:
        with duckdb.connect(str(path / "registry.duckdb"), read_only=True) as connection:
            found = connection.execute(
                "SELECT s.n_cases FROM main.mart_sensitivity AS s "
                "JOIN main.dim_case_definition AS d USING (definition_id) WHERE d.is_primary"
            ).fetchone()
    except duckdb.Error:
        return "unreadable"
    return found[0] if found else ""
