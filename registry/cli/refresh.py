"""Commands that create or refresh a registry: simulate, profile a first export, check deliveries, refresh, demo."""

from __future__ import annotations

import sys
from dataclasses import astuple
from functools import partial
from pathlib import Path

import click

from registry.cli.options import DELIVERIES, FORMAT, HOME
from registry.errors import UserError


@click.command()
@HOME
def demo(home: Path | None) -> None:
    """Simulate the Udine-shaped cohort, refresh, and print the paper's table from the release."""
    from registry.cli.console import console
    from registry.cli.run_refresh import run_refresh
    from registry.config.settings import load_settings
    from registry.refresh.plan import refuse_to_mix
    from registry.simulate import simulate_udine

    settings = load_settings(home=home)
    refuse_to_mix(settings, is_synthetic=True)  # before anything is written
    summary = simulate_udine(settings.deliveries)
    console.print(f"· simulated {summary.patients} patients in {summary.files} files: {settings.deliveries}")
    code = run_refresh(partial(load_settings, home=settings.home, deliveries=settings.deliveries))
    if code == 0:
        _print_paper_table(settings.home)
    sys.exit(code)


@click.command()
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder to write into.")
@click.option("--patients", default=1000, show_default=True, type=click.IntRange(min=1))
@click.option("--months", default=24, show_default=True, type=click.IntRange(min=1))
@click.option("--seed", default=0, show_default=True, type=int)
@click.option(
    "--messy",
    is_flag=True,
    help="With the defects and nine formats of real hospitals, and an answer key (answer_key.json).",
)
def simulate(out: Path, patients: int, months: int, seed: int, messy: bool) -> None:
    """Write synthetic deliveries, always the same for the same seed."""
    from registry.cli.console import console
    from registry.simulate import injected_defects as messy_deliveries
    from registry.simulate import simulate as clean_deliveries

    if out.exists() and any(out.iterdir()):
        raise UserError(
            f"{out} is not empty; name a new folder with --out, so that synthetic and real deliveries are not mixed"
        )
    write_deliveries = messy_deliveries.simulate_messy if messy else clean_deliveries
    with console.status("simulating"):
        summary = write_deliveries(out, patients=patients, months=months, seed=seed)
    rows = sum(summary.rows.values())
    console.print(f"{summary.patients:,} patients, {rows:,} rows in {summary.files} files: {out}")
    if messy:
        console.print(f"answer key (the expected result for each row): {out / 'answer_key.json'}")
    if summary.no_room_for:
        console.print(
            f"[yellow]too small[/yellow] for {len(summary.no_room_for)} kinds of defects (no_room_for in the answer "
            f"key): use at least --patients {messy_deliveries.ENOUGH_PATIENTS} --months "
            f"{messy_deliveries.ENOUGH_MONTHS}"
        )
    console.print(f"next: registry refresh --deliveries {out}")


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Write to this new file instead of stdout."
)
def profile(folder: Path, out: Path | None) -> None:
    """Read a site's first export and propose its site.yml. Shows no patient data."""
    from rich.markup import escape

    from registry.cli.console import errors, print_summary
    from registry.profile import render, survey
    from registry.system.text import counted

    if out and out.exists():
        raise UserError(f"{out} exists already and is not overwritten; name another file with --out")
    with errors.status("reading") as status:
        proposal = render(survey(folder, lambda step: status.update(escape(step))))
    if out is None:
        click.echo(proposal.text, nl=False)
    else:
        try:
            with out.open("x", encoding="utf-8") as file:
                file.write(proposal.text)
        except OSError as error:
            raise UserError(f"{out} can't be written: {error.strerror}") from None
    print_summary(
        f"{counted(proposal.n_files, 'file')}, {counted(proposal.n_rows, 'row')} read"
        + (f"; proposal: {out}" if out else ""),
        proposal.todo,
    )


@click.command("check")
@click.argument("site", required=False)
@HOME
@DELIVERIES
@FORMAT
def check_command(site: str | None, home: Path | None, deliveries: Path | None, form: str) -> None:
    """Tell what the next refresh could not use of the deliveries, of all sites or of SITE. Loads nothing.

    Shows headers, counts, and spellings of codes and units that several patients have; no patient data.
    """
    from registry.cli.console import console, errors, print_error, print_rows
    from registry.config.settings import load_settings
    from registry.operations.check import check
    from registry.system.text import counted

    with errors.status("reading the deliveries"):
        found = check(load_settings(home=home, deliveries=deliveries), site)
    for line in found.unread:
        print_error(line)
    if form == "table":
        print_rows(
            ["site", "entity", "files", "rows", "months", "read as", "headers not used", "columns not sent"],
            [
                [
                    *(table.site, table.entity, table.n_files, table.n_rows, table.months, table.read_as),
                    *(", ".join(table.not_used), ", ".join(table.not_sent)),
                ]
                for table in found.tables
            ],
        )
        console.print()
    if found.findings or form != "table":
        print_rows(
            ["site", "entity", "what", "column", "spelling", "rows", "what to do"],
            [list(astuple(finding)) for finding in found.findings],
            form,
        )
    if form == "table":
        waiting = f"{counted(found.n_to_load, 'file')} not loaded yet" if found.n_to_load else "all files are loaded"
        unread = f", {counted(len(found.unread), 'file')} can't be read" if found.unread else ""
        if found.unread:
            then = ": a refresh stops at the first, so mend it or move it out of the deliveries"
        elif found.findings:
            then = "; mend what is listed, or go on: registry refresh"
        else:
            then = "; all rows can be used" + (": registry refresh" if found.n_to_load else "")
        console.print(f"\n{waiting}{unread}{then}")


@click.command()
@HOME
@DELIVERIES
@click.option("--through", metavar="YYYY-MM", help="Load only deliveries up to this month.")
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Study settings. [REGISTRY_CONFIG, those of the last refresh, <deliveries>/registry.yml]",
)
@click.option("--no-wait", is_flag=True, help="If another refresh is running, name it and stop instead of waiting.")
@click.option(
    "--accept-missing",
    is_flag=True,
    help="Continue although the registry.yml, a site.yml or all files of the last refresh are gone.",
)
def refresh(
    home: Path | None,
    deliveries: Path | None,
    through: str | None,
    config: Path | None,
    no_wait: bool,
    accept_missing: bool,
) -> None:
    """Load new deliveries, build, run the gate, and publish a release (the Dagster job registry_refresh)."""
    from registry.cli.run_refresh import run_refresh
    from registry.config.settings import load_settings

    read = partial(
        load_settings, home=home, deliveries=deliveries, config=config, through=through, accept_missing=accept_missing
    )
    sys.exit(run_refresh(read, wait=not no_wait, accept_missing=accept_missing))


def _print_paper_table(home: Path) -> None:
    """Print the paper's table, read from the current release."""
    from registry import release
    from registry.cli.console import console, print_rows
    from registry.config.settings import load_settings
    from registry.statistics.summary import paper_table

    settings = load_settings(home=home)
    current = release.current(settings)
    if current is None:
        raise UserError(f"{settings.releases}: the release was removed in the meantime; run registry refresh")
    console.print()
    console.print(
        "[bold]Anti-CD20 neutropenia, the Udine series as simulated[/bold] (synthetic data, read from the release)"
    )
    print_rows(["", ""], paper_table(current.path / "registry.duckdb"))
    console.print(f"\nrelease:  {current.path}")
    home_option = "" if home == Path.cwd() / "data" else f" --home {home}"
    query = "select * from mart_case_listing where definition_id = 'udine_2025'"
    console.print(f'query it: .venv/bin/registry sql{home_option} "{query}"')
