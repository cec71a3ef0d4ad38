"""Compare uv.lock with the known vulnerabilities in scripts/known-vulnerabilities.yml; does not use the network.

Exit codes: 0 none applies · 1 some apply, one line each · 2 a file can't be read.
"""

from __future__ import annotations

import datetime as dt
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import yaml
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
STALE_AFTER = dt.timedelta(days=180)


@click.command()
@click.option("--lock", type=click.Path(path_type=Path), default=ROOT / "uv.lock")
@click.option("--known", type=click.Path(path_type=Path), default=ROOT / "scripts" / "known-vulnerabilities.yml")
def main(lock: Path, known: Path) -> None:
    """Fail if uv.lock contains a version with a known vulnerability."""
    today = dt.datetime.now(dt.UTC).date()
    try:
        locked = locked_versions(lock)
        listed = yaml.safe_load(known.read_text(encoding="utf-8"))
        found = list(applying(locked, listed, today))
    except (OSError, KeyError, TypeError, ValueError, yaml.YAMLError) as error:
        click.echo(f"error: {lock.name} or {known.name} can't be read: {type(error).__name__}: {error}", err=True)
        sys.exit(2)
    for line in found:
        click.echo(line, err=True)
    n_advisories = len(listed["advisories"])
    click.echo(
        f"{len(locked)} packages, {n_advisories} advisories as of {listed['as_of']}: {len(found) or 'none'} apply"
    )
    if today - listed["as_of"] > STALE_AFTER:
        click.echo(f"{known.name} is older than {STALE_AFTER.days} days: compare it with a live list", err=True)
    sys.exit(1 if found else 0)


def locked_versions(lock: Path) -> dict[str, set[Version]]:
    """Every version that the lock may install, by package (several if they differ by Python version)."""
    versions: dict[str, set[Version]] = {}
    for package in tomllib.loads(lock.read_text(encoding="utf-8"))["package"]:
        if "version" in package:
            versions.setdefault(canonicalize_name(package["name"]), set()).add(Version(package["version"]))
    return versions


def applying(locked: dict[str, set[Version]], listed: dict[str, Any], today: dt.date) -> Iterator[str]:
    """One line for each advisory that affects a locked version and has no valid exception."""
    excepted = {(one["id"], canonicalize_name(one["package"])) for one in listed["exceptions"] if today <= one["until"]}
    for advisory in listed["advisories"]:
        package = canonicalize_name(advisory["package"])
        affected = [SpecifierSet(entry, prereleases=True) for entry in advisory["affected"]]
        for version in sorted(locked.get(package, ())):
            if any(version in entry for entry in affected) and (advisory["id"], package) not in excepted:
                yield f"{package} {version}: {advisory['id']}; fixed in {advisory['remedy']}"


if __name__ == "__main__":
    main()
