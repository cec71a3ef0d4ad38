"""Whole refreshes as a user runs them: `registry …` in its own process, on homes that tests share where they can."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from registry.paths import CHECKOUT

REGISTRY = Path(sys.executable).parent / "registry"
Run = Callable[..., subprocess.CompletedProcess[str]]


HOSTILE = {"DBT_QUIET": "1", "DBT_EMPTY": "1", "DBT_TARGET": "other", "DBT_FULL_REFRESH": "1", "DBT_FAIL_FAST": "1"}
"""What a caller's environment may hold that would change what dbt does."""


def run_registry(
    *arguments: object, cwd: Path | None = None, variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """The registry command with these arguments; output captured."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("REGISTRY_")}
    return subprocess.run(
        [str(REGISTRY), *map(str, arguments)],
        capture_output=True, text=True, check=False, cwd=cwd or CHECKOUT,
        env={**environment, "COLUMNS": "200", **(variables or {})},
    )  # fmt: skip


def digest(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below a folder, links by where they point."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        elif path.is_file():
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A home on which `registry demo` has run once, and what it printed. Tests leave its releases as they are.

    It ran among files that are named like modules, and with variables that are dbt's own.
    """
    home, elsewhere = tmp_path_factory.mktemp("demo"), tmp_path_factory.mktemp("elsewhere")
    for name in ("random.py", "dbt.py", "dagster.py", "duckdb.py"):
        (elsewhere / name).write_text("raise SystemExit('the current folder is not to be read')\n")
    done = run_registry("demo", "--home", home, cwd=elsewhere, variables=HOSTILE)
    assert done.returncode == 0, done.stderr
    return home, done


@pytest.fixture(scope="session")
def demo_home(demo: tuple[Path, subprocess.CompletedProcess[str]]) -> Path:
    """The home of `demo`."""
    return demo[0]
