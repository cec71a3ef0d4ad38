"""What may import what: `registry` knows no Dagster, and `registry sql` starts without anything heavy."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from registry.paths import CHECKOUT

LAYERS = (
    {"registry.errors", "registry.paths", "registry.trace_rules"},
    {"registry.config"},
    {"registry.system"},
    {"registry.vault"},
    {"registry.ingest"},
    {"registry.build", "registry.statistics"},
    {"expectations"},
    {"registry.release"},
    {"registry.profile", "registry.simulate"},
    {"registry.curation"},
    {"registry.refresh"},
    {"registry.operations"},
    {"registry.cli"},
    {"orchestration"},
)
"""From the bottom up: a module imports its own package and packages of lower layers, nothing else of the project."""


def package_of(module: str) -> str:
    """`registry.vault` of `registry.vault.keys`; the other packages of the project have one layer each."""
    first, _, rest = module.partition(".")
    return f"registry.{rest.partition('.')[0]}" if first == "registry" and rest else first


def own_package(path: Path) -> str:
    """The package that a file belongs to."""
    return package_of(".".join(path.relative_to(CHECKOUT).with_suffix("").parts))


def imported_by(path: Path) -> set[str]:
    """Modules that a file imports anywhere, `from registry import release` as `registry.release`."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"registry.{alias.name}" for alias in node.names} if node.module == "registry" else {node.module}
    return names


def test_imports_run_one_way() -> None:
    floor = {package: number for number, layer in enumerate(LAYERS) for package in layer}
    wrong = [
        f"{path.relative_to(CHECKOUT)} imports {package}"
        for root in ("registry", "expectations", "orchestration")
        for path in sorted((CHECKOUT / root).rglob("*.py"))
        for package in {package_of(module) for module in imported_by(path)} & floor.keys() - {own_package(path)}
        if floor[package] >= floor[own_package(path)]
    ]
    assert wrong == []
    files = set((CHECKOUT / "registry").rglob("*.py")) - {CHECKOUT / "registry" / "__init__.py"}
    assert {own_package(path) for path in files} <= floor.keys()


@pytest.mark.parametrize("folder", ["registry", "expectations"])
def test_only_orchestration_knows_dagster(folder: str) -> None:
    found = {module.partition(".")[0] for path in (CHECKOUT / folder).rglob("*.py") for module in imported_by(path)}
    assert "dagster" not in found


def test_registry_sql_starts_without_dagster_dbt_or_great_expectations() -> None:
    code = (
        "import sys; import registry.cli.main, registry.release.query, registry.config.settings, registry.cli.console;"
        "print(sorted({name.partition('.')[0] for name in sys.modules} & "
        "{'dagster', 'dbt', 'great_expectations', 'pandas', 'scipy', 'statsmodels', 'lifelines'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=CHECKOUT)
    assert done.stdout.strip() == "[]"
