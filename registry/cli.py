"""The `registry` command: what a data manager, a neurologist or a pharmacovigilance officer types.

Exit codes: 0 done · 2 bad usage, configuration or unreadable input (one clear line) · 3 the gate refused.
Nothing heavy is imported here: `registry sql` answers at once. What a refresh needs of Dagster runs as
`python -m orchestration`, since this package imports none.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from registry.errors import UserError

if TYPE_CHECKING:
    from registry.quarantine import HeldBack

HOME = click.option(
    "--home", type=click.Path(path_type=Path, file_okay=False), help="State of the registry. [REGISTRY_HOME, ./data]"
)


class RegistryGroup(click.Group):
    """A command group in which a user's mistake is one line and exit code 2, never a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; turn a UserError into its one line."""
        try:
            return super().invoke(ctx)
        except UserError as mistake:
            from registry.console import print_error

            print_error(str(mistake))
            ctx.exit(2)


@click.group(cls=RegistryGroup, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Registry of neutropenia under anti-CD20 treatment for multiple sclerosis."""


@main.command()
@HOME
def demo(home: Path | None) -> None:
    """Simulate the Udine-shaped cohort, refresh, and print the paper's table from the release."""
    from registry.console import console
    from registry.settings import load_settings
    from registry.simulate import simulate_udine

    settings = load_settings(home=home)
    summary = simulate_udine(settings.deliveries)
    console.print(f"· simulated {summary.patients} patients in {summary.files} files: {settings.deliveries}")
    code = _run_refresh(home=settings.home, deliveries=settings.deliveries)
    if code == 0:
        _print_paper_table(settings.home)
    sys.exit(code)


@main.command()
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder to write into.")
@click.option("--patients", default=1000, show_default=True, type=click.IntRange(min=1))
@click.option("--months", default=24, show_default=True, type=click.IntRange(min=1))
@click.option("--seed", default=0, show_default=True, type=int)
@click.option(
    "--messy",
    is_flag=True,
    help="As hospitals really send them: nine ways to write, every defect planted, and answer_key.json beside them.",
)
def simulate(out: Path, patients: int, months: int, seed: int, messy: bool) -> None:
    """Write synthetic deliveries, the same ones for the same seed."""
    from registry.console import console
    from registry.simulate import messy as messy_deliveries
    from registry.simulate import simulate as clean_deliveries

    if out.exists() and any(out.iterdir()):
        raise UserError(
            f"{out}: not empty; name a new folder with --out, so that no real delivery is mixed with synthetic ones"
        )
    write_deliveries = messy_deliveries.simulate_messy if messy else clean_deliveries
    with console.status("simulating"):
        summary = write_deliveries(out, patients=patients, months=months, seed=seed)
    rows = sum(summary.rows.values())
    console.print(f"{summary.patients:,} patients, {rows:,} rows in {summary.files} files: {out}")
    if messy:
        console.print(f"what must become of each row: {out / 'answer_key.json'}")
    if summary.no_room_for:
        console.print(
            f"[yellow]too small[/yellow] for {len(summary.no_room_for)} kinds of defects (no_room_for in the answer "
            f"key): give at least --patients {messy_deliveries.ENOUGH_PATIENTS} --months "
            f"{messy_deliveries.ENOUGH_MONTHS}"
        )
    console.print(f"next: registry refresh --deliveries {out}")


@main.command()
@HOME
@click.option(
    "--deliveries",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the sites' exports. [<home>/deliveries]",
)
@click.option("--through", metavar="YYYY-MM", help="Load new deliveries up to that month only.")
@click.option(
    "--config", type=click.Path(path_type=Path, dir_okay=False), help="Study settings. [<deliveries>/registry.yml]"
)
@click.option("--no-wait", is_flag=True, help="Do not wait for another refresh: say who runs it and stop.")
def refresh(
    home: Path | None, deliveries: Path | None, through: str | None, config: Path | None, no_wait: bool
) -> None:
    """Load new deliveries, build, let the gate audit, and publish a release (the Dagster job registry_refresh)."""
    sys.exit(_run_refresh(home=home, deliveries=deliveries, through=through, config=config, no_wait=no_wait))


@main.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write there; an existing file stays.")
def profile(folder: Path, out: Path | None) -> None:
    """Read a site's first export and propose its site.yml. Writes no patient's value."""
    from rich.markup import escape

    from registry.console import errors, print_summary
    from registry.propose import counted, render, survey

    if out and out.exists():
        raise UserError(f"{out}: is there already and is not overwritten; name another file with --out")
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


def _run_refresh(**options: Any) -> int:
    """Start the Dagster job in a process of its own; its exit code."""
    command = [sys.executable, "-m", "orchestration", "refresh"]
    for name, value in options.items():
        if value is True:
            command.append("--" + name.replace("_", "-"))
        elif value:
            command += [f"--{name}", str(Path(value).absolute() if isinstance(value, Path) else value)]
    from registry.paths import CHECKOUT

    inherited = os.environ.get("PYTHONPATH")
    path = os.pathsep.join(part for part in (str(CHECKOUT), inherited) if part)
    return subprocess.run(command, check=False, env={**os.environ, "PYTHONPATH": path}).returncode


@main.group()
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


@main.command()
@click.argument("query")
@HOME
@click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
@click.option("--release", "release_id", help="Another release than the one in force.")
def sql(query: str, home: Path | None, form: str, release_id: str | None) -> None:
    """Query the current release, read-only."""
    from registry.console import print_rows
    from registry.release.query import query as run_query
    from registry.settings import load_settings

    if not query.strip():
        raise UserError('no query given; for example: registry sql "select * from mart_sensitivity"')
    columns, rows = run_query(load_settings(home=home), query, release_id)
    print_rows(columns, rows, form)


@main.command()
@HOME
@click.option("--site", help="Only this site.")
@click.option("--delivery", metavar="YYYY-MM", help="Only this month's delivery.")
@click.option("--entity", help="Only this entity (patients, lab_results, …).")
@click.option("--reason", help="Only rows with this reason code.")
@click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
@click.option(
    "--send-back",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write the rows as they were sent, with the reasons, into this new folder: one file for each delivered "
    "file, to be sent back to its site. They identify patients.",
)
def quarantine(home: Path | None, form: str, folder: Path | None, **filters: str | None) -> None:
    """Rows held back, by file and record, and why. Shows no patient's value."""
    from registry.console import console, print_rows
    from registry.quarantine import Filter, held_back, reasons
    from registry.settings import load_settings

    settings = load_settings(home=home)
    held = held_back(settings, Filter(**filters))
    if folder:
        from registry.send_back import send_back

        files = send_back(settings, held, folder)
        console.print(f"{len(held):,} rows of {len(files)} files: {folder}")
        if files:
            console.print("they identify patients: send each site its own folder, by a safe way, and delete them here")
    elif held or form != "table":
        meanings = reasons()
        columns = ["site", "delivery", "entity", "file", "record", "reasons", "meaning"]
        print_rows(columns, [_row_held_back(row, meanings) for row in held], form)
    else:
        console.print("no row is held back")


@main.command()
@HOME
@click.option("--definition", "definition_id", metavar="D", help="Of this case definition. [the primary one]")
@click.option("--site", help="Only this site.")
@click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the form to fill in (CSV) into this new file: an adjudications delivery of one site, with the verdicts "
    "left blank. It identifies patients.",
)
@click.option(
    "--deliveries",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the sites' exports, whose site.yml says how the form is written. [<home>/deliveries]",
)
def review(
    home: Path | None,
    definition_id: str | None,
    site: str | None,
    form: str,
    out: Path | None,
    deliveries: Path | None,
) -> None:
    """Case episodes that no chart review has judged, by pseudonym; with --out as a form to fill in."""
    from registry.console import console, print_rows
    from registry.review import unreviewed, write_form
    from registry.settings import load_settings

    settings = load_settings(home=home, deliveries=deliveries)
    found = unreviewed(settings, definition_id, site)
    if not found.rows and (out or form == "table"):
        console.print(f"every case episode of {found.definition_id} in release {found.release_id} has a verdict")
    elif out:
        written = write_form(settings, found, out)
        where = f"{written.site}/YYYY-MM/adjudications_review.csv"
        console.print(f"{written.n_episodes:,} episodes of {written.site}: {out}")
        console.print("it identifies patients: send it by a safe way, and delete it once it is delivered")
        console.print(
            "fill in verdict (confirmed, other_cause or lab_error) and reviewed_on, drop rows without a verdict,"
        )
        console.print(f"and put it into the deliveries as {where}")
        if written.is_snapshot:
            console.print("this site delivers snapshots: later ones with adjudications must hold these rows too")
    else:
        print_rows(found.columns, found.rows, form)
        if form == "table":
            console.print("the form for a site to fill in: registry review --site S --out FILE.csv")


@main.command("trace")
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


@main.command()
@HOME
def status(home: Path | None) -> None:
    """Where things stand: deliveries, what is not loaded yet, the release in force, a refresh under way."""
    from registry.console import console
    from registry.settings import load_settings
    from registry.status import describe

    for label, value in describe(load_settings(home=home)):
        console.print(f"{label:<22}{value}")


def _print_paper_table(home: Path) -> None:
    """The paper's table, read from the release in force."""
    from registry import release
    from registry.console import console, print_rows
    from registry.settings import load_settings
    from registry.statistics.summary import paper_table

    settings = load_settings(home=home)
    current = release.current(settings)
    assert current is not None  # noqa: S101 - the refresh before has just published or confirmed one
    console.print()
    console.print(
        "[bold]Anti-CD20 neutropenia, the Udine series as simulated[/bold] (synthetic data, read from the release)"
    )
    print_rows(["", ""], paper_table(current.path / "registry.duckdb"))
    console.print(f"\nrelease:  {current.path}")
    home_option = "" if home == Path.cwd() / "data" else f" --home {home}"
    query = "select * from mart_case_listing where definition_id = 'udine_2025'"
    console.print(f'query it: .venv/bin/registry sql{home_option} "{query}"')


def _row_held_back(row: HeldBack, meanings: dict[str, str]) -> list[Any]:
    """One line of the list: place, codes, and what they mean."""
    place = [row.site, row.delivery, row.entity, row.file, row.record]
    return [*place, ",".join(row.reasons), " ".join(meanings[code] for code in row.reasons)]


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


if __name__ == "__main__":
    main()
