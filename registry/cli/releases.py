"""Commands for releases: list, show, compare, verify, roll back, and write the public part."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from registry.cli.options import FORMAT, HOME

if TYPE_CHECKING:
    from registry.release.diff.compare import Difference


@click.group()
def releases() -> None:
    """List, compare, verify and share releases."""


@releases.command("list")
@HOME
def list_command(home: Path | None) -> None:
    """List all releases, the newest first, and mark the current one."""
    from registry import release
    from registry.cli.console import console, print_rows
    from registry.config.settings import load_settings

    settings = load_settings(home=home, for_reading=True)
    found = release.list_releases(settings)
    current = release.current(settings)
    pinned = release.pinned(settings)
    if not found:
        console.print(f"no release yet in {settings.releases}; publish one with: registry refresh")
        return
    print_rows(
        ["release", "current", "published", "patients", "cases", "warnings"],
        [
            [
                one.release_id,
                ("pinned" if pinned else "yes") if current and one.release_id == current.release_id else "",
                one.manifest["created_at"],
                _rows_of(one.manifest, "dim_patient"),
                _primary_cases(one.path),
                sum(not check["passed"] for check in one.manifest["checks"]),
            ]
            for one in found
        ],
    )
    if pinned:
        console.print(f"rolled back to {pinned.release_id}: it stays current until the inputs change")


@releases.command()
@click.argument("release_id")
@HOME
def show(release_id: str, home: Path | None) -> None:
    """Show what a release contains, what it was made from, and the gate's results."""
    from expectations import CheckResult
    from registry import release
    from registry.cli.console import console, print_rows
    from registry.config.settings import load_settings

    one = release.load(load_settings(home=home, for_reading=True), release_id)
    release.refuse_damaged(one)
    manifest = one.manifest
    console.print(f"release {one.release_id}   {one.path}")
    if manifest.get("synthetic"):
        console.print("[yellow]synthetic data[/yellow]: these figures are not about real patients")
    console.print(
        f"study {manifest['study']['study_id']}, published {manifest['created_at']}, fingerprint {one.fingerprint[:16]}"
    )
    console.print(
        f"made from {len(manifest['inputs'])} files; check the bytes with: registry releases verify {one.release_id}"
    )
    print_rows(["table", "rows"], [[name, table["rows"]] for name, table in manifest["tables"].items()])
    failed = [check for check in manifest["checks"] if not check["passed"]]
    console.print(f"gate: {len(manifest['checks'])} checks, {len(failed)} warnings")
    for check in failed:
        result = CheckResult(**check)
        console.print(f"  {result.check_id} on {result.table}: {result.found}. {result.description}")


@releases.command("diff")
@click.argument("before")
@click.argument("after")
@HOME
@FORMAT
def diff_command(before: str, after: str, home: Path | None, form: str) -> None:
    """Show what changed from release BEFORE to AFTER, and why: episodes, tables, files, definitions, settings.

    Patients are shown by pseudonym. CSV and JSON contain only the episodes.
    """
    from registry import release
    from registry.cli.console import print_rows
    from registry.config.settings import load_settings
    from registry.release.diff.compare import diff

    settings = load_settings(home=home, for_reading=True)
    found = diff(settings, release.load(settings, before), release.load(settings, after))
    if form == "table":
        _print_difference(before, after, found)
    else:
        columns = ["status", "definition_id", "patient_key", "episode_id", "onset_date", "is_case_episode"]
        rows = [
            [getattr(e, column) for column in columns] + [" ".join(e.columns), " ".join(e.reasons), e.evidence]
            for e in found.episodes
        ]
        print_rows([*columns, "columns", "reasons", "evidence"], rows, form)


@releases.command()
@click.argument("release_id")
@HOME
def rollback(release_id: str, home: Path | None) -> None:
    """Make an older release current at once, until the inputs change."""
    from registry import release
    from registry.cli.console import console
    from registry.config.settings import load_settings
    from registry.system import lock

    settings = load_settings(home=home)
    lock.acquire(settings, "registry releases rollback", wait=False)
    try:
        left = release.current_id(settings)
        target = release.rollback(settings, release_id)
    finally:
        lock.release(settings)
    if left == target.release_id:
        console.print(f"{target.release_id} is already the current release: nothing changed")
    else:
        console.print(f"current release: {target.release_id}, no longer {left}")
    if release.pinned(settings):
        console.print(
            "it is pinned: a refresh of the same inputs keeps it; the first one with other inputs (files, settings, "
            "code) publishes again"
        )


@releases.command()
@click.argument("release_id")
@HOME
def verify(release_id: str, home: Path | None) -> None:
    """Check every byte of a release against its SHA256SUMS; exit code 3 if anything differs."""
    from registry import release
    from registry.cli.console import console, errors
    from registry.config.settings import load_settings
    from registry.release.files import CHECKSUMS, sha256

    path = release.folder(load_settings(home=home, for_reading=True), release_id)
    if changed := release.verify(path):
        errors.print(
            f"[bold red]error:[/bold red] release {release_id} was modified after publication; restore it from a "
            f"backup: {path}"
        )
        for name in changed:
            errors.print(f"  changed, missing or additional: {name}", markup=False)
        sys.exit(3)
    console.print(f"release {release_id} is unchanged; SHA-256 of its {CHECKSUMS}: {sha256(path / CHECKSUMS)}")


@releases.command()
@click.argument("release_id")
@HOME
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="A new folder. [<home>/public/<quarter>-<digits>]"
)
def public(release_id: str, home: Path | None, out: Path | None) -> None:
    """Write the part that may be shared: aggregates, small counts suppressed, dates to the quarter."""
    from registry import release
    from registry.cli.console import console
    from registry.config.settings import load_settings
    from registry.release.public import write_public

    settings = load_settings(home=home, for_reading=True)
    one = release.load(settings, release_id)
    folder = write_public(settings, one, out)
    console.print(f"public part of {release_id}: {folder}", markup=False)
    threshold = one.manifest["study"]["suppression_threshold"]
    console.print(f"counts below {threshold} are suppressed, with anything that would reveal them: see its README.txt")


def _print_difference(before: str, after: str, found: Difference) -> None:
    """Print the difference: counts of episodes, then each episode, then everything else."""
    from collections import Counter

    from registry.cli.console import console, print_rows

    console.print(f"[bold]episodes[/bold], from {before} to {after}")
    counted = Counter((e.definition_id, e.status, ", ".join(e.reasons)) for e in found.episodes)
    if counted:
        print_rows(["definition", "status", "why", "episodes"], [[*key, n] for key, n in sorted(counted.items())])
        print_rows(
            ["\nstatus", "definition", "patient", "episode", "onset", "case", "why", "columns", "rows behind it"],
            [
                [
                    e.status,
                    e.definition_id,
                    e.patient_key[:12],
                    e.episode_id[:12],
                    e.onset_date,
                    "yes" if e.is_case_episode else "",
                    ", ".join(e.reasons),
                    " ".join(e.columns),
                    e.evidence,
                ]
                for e in found.episodes
            ],
        )
    else:
        console.print("no difference")
    console.print("\n[bold]tables, files, definitions, settings, code[/bold]")
    if found.manifest:
        print_rows(["what", "name", "change"], [[c.kind, c.name, c.change] for c in found.manifest])
    else:
        console.print("no difference")


def _rows_of(manifest: dict[str, Any], table: str) -> int | str:
    """Rows of a table according to the manifest."""
    return manifest["tables"].get(f"main.{table}", {}).get("rows", "")


def _primary_cases(path: Path) -> int | str:
    """Cases of the primary definition in a release."""
    import duckdb

    from registry.config.settings import A_FEW_ROWS

    try:
        with duckdb.connect(str(path / "registry.duckdb"), read_only=True, config=A_FEW_ROWS) as connection:
            found = connection.execute(
                "SELECT s.n_cases FROM main.mart_sensitivity AS s "
                "JOIN main.dim_case_definition AS d USING (definition_id) WHERE d.is_primary"
            ).fetchone()
    except duckdb.Error:
        return "unreadable"
    return found[0] if found else ""
