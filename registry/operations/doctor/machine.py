"""Checks of the machine: Python, packages, disk, and who can reach the UI."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from registry.operations.doctor.finding import Finding, look, ok, wrong
from registry.paths import CHECKOUT
from registry.system import lock
from registry.system.disk import require_fit_disk, require_plain_path

if TYPE_CHECKING:
    from registry.config.settings import Settings

OLDEST, NEWEST = (3, 11), (3, 13)
LEAST_FREE = 2**30
PACKAGES = (
    "dagster",
    "dagster-webserver",
    "dbt-core",
    "dbt-duckdb",
    "duckdb",
    "great-expectations",
    "lifelines",
    "scipy",
    "statsmodels",
)


def python(_settings: Settings) -> Iterator[Finding]:
    """Is the registry tested with this Python?"""
    found = platform.python_version()
    if OLDEST <= sys.version_info[:2] <= NEWEST:
        yield ok(found)
    else:
        yield wrong(f"{found} is not supported: use 3.11 to 3.13; remove .venv, then: make PYTHON=python3.12 setup")


def packages(_settings: Settings) -> Iterator[Finding]:
    """Are the main packages those of uv.lock?"""
    locked: dict[str, set[str]] = {}
    with suppress(OSError, tomllib.TOMLDecodeError):
        for package in tomllib.loads((CHECKOUT / "uv.lock").read_text(encoding="utf-8"))["package"]:
            locked.setdefault(package["name"], set()).add(package.get("version", ""))
    others = []
    for name in PACKAGES:
        try:
            installed = version(name)
        except PackageNotFoundError:
            yield wrong(f"{name} is not installed: make setup")
            continue
        if installed not in locked.get(name, {installed}):
            others.append(f"{name} {installed} (uv.lock: {', '.join(sorted(locked[name]))})")
    if others:
        yield look(f"different from uv.lock: {'; '.join(others)}; to restore: rm .venv/.ready, then make setup")
    else:
        yield ok(f"the {len(PACKAGES)} main packages are those of uv.lock")


def disk(settings: Settings) -> Iterator[Finding]:
    """Is there room for another build, a candidate and a copy of the vault? Does the disk support what they need?"""
    home = settings.home
    while not home.exists():
        home = home.parent
    free = shutil.disk_usage(home).free
    needed = LEAST_FREE + sum(_size(path) for path in (settings.raw_db, settings.warehouse)) * 2
    said = f"{free / 2**30:.1f} GiB free in {settings.home}, a refresh may take {needed / 2**30:.1f}"
    yield ok(said) if free >= needed else wrong(f"{said}: free some space, or move the home")
    require_plain_path(settings)
    if settings.home.is_dir() and not lock.is_held(settings):
        require_fit_disk(settings)


def listening(_settings: Settings) -> Iterator[Finding]:
    """Does this user run a Dagster that others can reach? The UI has no login."""
    open_to_others = set()
    for process in psutil.process_iter(["cmdline"]):
        with suppress(psutil.Error):
            if not any("dagster" in Path(part).name for part in process.info["cmdline"] or ()):
                continue
            for connection in process.net_connections("tcp"):
                if connection.status == psutil.CONN_LISTEN and not ip_address(connection.laddr.ip).is_loopback:
                    open_to_others.add(connection.laddr.port)
    if open_to_others:
        ports = ", ".join(str(port) for port in sorted(open_to_others))
        yield wrong(f"Dagster can be reached from other machines on port {ports}: stop it and start it with make dev")
    else:
        yield ok("no Dagster can be reached from other machines")


def dagster_home(settings: Settings) -> Iterator[Finding]:
    """Would Dagster tools that the user starts show this home's runs?"""
    named = os.environ.get("DAGSTER_HOME")
    if named and Path(named).resolve() != settings.dagster_home.resolve():
        yield look(f"DAGSTER_HOME is {named}, but this home's runs are in {settings.dagster_home}: unset it")
    else:
        yield ok(str(settings.dagster_home))


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
