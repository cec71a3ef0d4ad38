"""Whatever cuts a refresh off, no reader sees half a release, and the next refresh ends as if nothing had happened.

`make faults` kills it at hundreds of points; here is a dozen, and every other kind of fault.
"""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys

import pytest
from faults.scenarios import SCENARIOS
from integration.compiled_project import compiled_project

from registry.paths import CHECKOUT


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """The problems of each scenario. In one process that forks, apart from this one, which has threads."""
    folder = tmp_path_factory.mktemp("faults")
    project, results = folder / "project", folder / "scenarios.json"
    project.write_bytes(pickle.dumps(compiled_project()))
    done = subprocess.run(
        [sys.executable, "-m", "faults", "--scenarios", "--project", project, "--results", results],
        cwd=CHECKOUT, env={**os.environ, "PYTHONPATH": f"{CHECKOUT / 'tests'}{os.pathsep}{CHECKOUT}"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert results.exists(), done.stdout + done.stderr
    return json.loads(results.read_text())


@pytest.mark.parametrize("name", [scenario.__name__ for scenario in SCENARIOS])
def test_the_next_refresh_ends_as_if_nothing_had_happened(found: dict[str, list[str]], name: str) -> None:
    if found[name] and found[name][0].startswith("skipped: "):
        pytest.skip(found[name][0].removeprefix("skipped: "))
    assert found[name] == []
