"""Whatever cuts a refresh off, no reader sees half a release, and the next refresh ends as if nothing had happened.

`make faults` kills it at hundreds of points, `make check` at a few, other ones each day; `make test` kills it four
times in a row, and tries every other kind of fault.
"""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from faults.scenarios import SCENARIOS
from integration.compiled_project import compiled_project

from registry.paths import CHECKOUT


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """The problems of each scenario."""
    done, results = run_faults(tmp_path_factory.mktemp("scenarios"), "--scenarios")
    assert results.exists(), done.stdout + done.stderr
    return json.loads(results.read_text())


def run_faults(folder: Path, *arguments: object) -> tuple[subprocess.CompletedProcess[str], Path]:
    """Run them in one process that forks, apart from this one, which has threads; what it printed, and its results."""
    project, results = folder / "project", folder / "results.json"
    project.write_bytes(pickle.dumps(compiled_project()))
    command = [sys.executable, "-m", "faults", "--project", project, "--results", results, *arguments]
    done = subprocess.run(
        list(map(str, command)),
        cwd=CHECKOUT, env={**os.environ, "PYTHONPATH": f"{CHECKOUT / 'tests'}{os.pathsep}{CHECKOUT}"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done, results


@pytest.mark.parametrize("name", [scenario.__name__ for scenario in SCENARIOS])
def test_the_next_refresh_ends_as_if_nothing_had_happened(found: dict[str, list[str]], name: str) -> None:
    if found[name] and found[name][0].startswith("skipped: "):
        pytest.skip(found[name][0].removeprefix("skipped: "))
    assert found[name] == []


@pytest.mark.deep
def test_the_next_refresh_finishes_one_that_was_killed_anywhere(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    kills, seed = pytestconfig.getoption("--kills"), pytestconfig.getoption("--sample")
    done, _ = run_faults(tmp_path, "--number", kills, "--seed", seed)
    assert done.returncode == 0, done.stdout + done.stderr
