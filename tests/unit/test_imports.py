"""What may import what: `registry` knows no Dagster, and `registry sql` starts without anything heavy."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest

from registry.paths import CHECKOUT


def imported_by(folder: str) -> set[str]:
    """Top-level packages that the modules of a folder import anywhere."""
    names: set[str] = set()
    for path in (CHECKOUT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module.partition(".")[0])
    return names


@pytest.mark.parametrize(
    ("folder", "forbidden"),
    [
        ("registry", {"dagster", "orchestration"}),
        ("expectations", {"dagster", "orchestration"}),
    ],
)
def test_imports_run_one_way(folder: str, forbidden: set[str]) -> None:
    assert not imported_by(folder) & forbidden


def test_registry_sql_starts_without_dagster_dbt_or_great_expectations() -> None:
    code = (
        "import sys; import registry.cli.main, registry.release.query, registry.config.settings, registry.cli.console;"
        "print(sorted({name.partition('.')[0] for name in sys.modules} & "
        "{'dagster', 'dbt', 'great_expectations', 'pandas', 'scipy', 'statsmodels', 'lifelines'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=CHECKOUT)
    assert done.stdout.strip() == "[]"
