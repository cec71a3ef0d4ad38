"""What the fingerprint of a refresh covers: all that shapes content, and no word of the command line."""

from __future__ import annotations

import ast
from pathlib import Path

from registry.build.fingerprint import SHAPES_CONTENT
from registry.paths import CHECKOUT

STEPS = ("registry.refresh.steps", "registry.refresh.plan")
SHAPES_NOTHING = {
    "registry/__init__.py": "only a docstring",
    "registry/build/__init__.py": "only a docstring",
    "registry/build/dbt_call.py": "how dbt is started",
    "registry/build/dbt_project.py": "passes on the YAML, which is covered",
    "registry/build/dbt_runner.py": "how dbt is started",
    "registry/config/__init__.py": "only a docstring",
    "registry/config/inputs.py": "where the deliveries are",
    "registry/config/settings.py": "folders and limits; the study settings are in the fingerprint themselves",
    "registry/errors.py": "texts",
    "registry/operations": "texts for people",
    "registry/paths.py": "where the checkout is",
    "registry/release/__init__.py": "names",
    "registry/release/damage.py": "takes damaged releases away",
    "registry/release/diff": "compares releases",
    "registry/release/headline_figures.py": "reads a release",
    "registry/release/gate_record.py": "the record of the gate",
    "registry/release/pin.py": "going back",
    "registry/release/public": "made from a release on request",
    "registry/release/query.py": "reads a release",
    "registry/release/retention.py": "how many are kept",
    "registry/release/store.py": "where releases are",
    "registry/system/__init__.py": "only a docstring",
    "registry/system/clock.py": "decides whether a month may be loaded",
    "registry/system/disk.py": "folders and what a full disk means",
    "registry/system/event_log.py": "texts for people",
    "registry/system/files.py": "a file on disk, whatever it holds",
    "registry/system/lock.py": "one refresh at a time",
    "registry/system/memory.py": "texts",
    "registry/system/sql.py": "quoting",
    "registry/system/text.py": "texts",
    "registry/vault/__init__.py": "only a docstring",
    "registry/vault/keys.py": "the key's id is in the fingerprint itself",
}


def modules_of(name: str) -> list[Path]:
    path = CHECKOUT / name.replace(".", "/")
    return [found for found in (path.with_suffix(".py"), path / "__init__.py") if found.exists()]


def imported_by(path: Path) -> set[Path]:
    found: set[Path] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "registry":
            found |= set(modules_of(node.module))
            found |= {one for alias in node.names for one in modules_of(f"{node.module}.{alias.name}")}
    return found


def reached() -> set[str]:
    """Every module of `registry` that a step of a refresh imports, at whatever remove."""
    waiting = {path for step in STEPS for path in modules_of(step)}
    seen: set[Path] = set()
    while waiting:
        path = waiting.pop()
        seen.add(path)
        waiting |= imported_by(path) - seen
    return {str(path.relative_to(CHECKOUT)) for path in seen}


def test_what_a_step_imports_is_in_the_fingerprint_or_shapes_nothing() -> None:
    covered = {str(place.relative_to(CHECKOUT)) for place in SHAPES_CONTENT}
    known = covered | SHAPES_NOTHING.keys()
    assert [path for path in reached() if not any(path == one or path.startswith(f"{one}/") for one in known)] == []
    assert all((CHECKOUT / path).exists() for path in covered)


def test_commands_simulation_and_proposals_are_not_in_the_fingerprint() -> None:
    covered = [str(place.relative_to(CHECKOUT)) for place in SHAPES_CONTENT]
    for folder in (
        "registry/cli",
        "registry/simulate",
        "registry/profile",
        "registry/operations/doctor",
        "orchestration",
    ):
        assert not any(place.startswith(folder) or place == "registry" for place in covered)
