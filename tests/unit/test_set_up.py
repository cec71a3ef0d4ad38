"""`make setup` makes a whole environment of half a one, and pip installs into it. Python is a stand-in."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from registry.paths import CHECKOUT

# Whole once `-m venv` has run; its pip can't work with --user, as in every virtual environment.
PYTHON = """#!/bin/sh
echo "$*" >> "$CALLS"
case "$*" in
    "-m venv"*) rm -rf .venv; mkdir -p .venv/bin; cp "$0" .venv/bin/python; touch .venv/whole
        printf '#!/bin/sh\\n' > .venv/bin/uv; chmod +x .venv/bin/uv ;;
    "-m pip"*) test -e .venv/whole || exit 1
        case "${PIP_USER:-0}${PIP_TARGET:-}" in 0) ;; *) exit 1 ;; esac ;;
    *runs*) test -e .venv/whole && echo runs ;;
esac
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in ("Makefile", "uv.lock", "pyproject.toml", "scripts/install-locked"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(CHECKOUT / name, tmp_path / name)
    python = tmp_path / "python"
    python.write_text(PYTHON)
    python.chmod(0o755)
    return tmp_path


def set_up(checkout: Path, **variables: str) -> list[str]:
    """Run it; what Python was asked for."""
    calls = checkout / "calls"
    calls.write_text("")
    environment = {**os.environ, "CALLS": str(calls), **variables}
    command = ["make", "setup", "PYTHON=./python"]
    done = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return calls.read_text().splitlines()


def is_made(calls: list[str]) -> bool:
    return any(call.startswith("-m venv") for call in calls)


def test_an_environment_is_made_once(checkout: Path) -> None:
    assert is_made(set_up(checkout))
    assert (checkout / ".venv" / ".ready").exists()
    assert not any(call.startswith("-m pip") for call in set_up(checkout))


def test_a_new_lock_is_installed_into_the_environment_that_is_there(checkout: Path) -> None:
    set_up(checkout)
    os.utime(checkout / ".venv" / ".ready", (1, 1))
    calls = set_up(checkout)
    assert any("--editable" in call for call in calls)
    assert not is_made(calls)


@pytest.mark.parametrize("half", ["no pip", "no python", "cut off before its end", "its Python is gone"])
def test_half_an_environment_is_made_again(checkout: Path, half: str) -> None:
    set_up(checkout)
    (checkout / ".venv" / {"no python": "bin/python", "cut off before its end": ".ready"}.get(half, "whole")).unlink()
    if half == "no pip":
        (checkout / ".venv" / ".ready").unlink()
    assert is_made(set_up(checkout))
    assert (checkout / ".venv" / ".ready").exists()


@pytest.mark.parametrize("variables", [{"PIP_USER": "1"}, {"PIP_USER": "true"}, {"PIP_TARGET": "elsewhere"}])
def test_pip_installs_here_whatever_it_is_told_to_do_elsewhere(checkout: Path, variables: dict[str, str]) -> None:
    assert is_made(set_up(checkout, **variables))
