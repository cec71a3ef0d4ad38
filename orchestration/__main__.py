"""`python -m orchestration dev`: the Dagster UI of one registry, started by `make dev`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from registry.cli.console import print_error
from registry.config.settings import load_settings
from registry.errors import UserError


@click.group()
def main() -> None:
    """Run the registry's Dagster UI."""


@main.command()
@click.option("--port", default=3000, show_default=True)
def dev(port: int) -> None:
    """Serve the Dagster UI on 127.0.0.1 for the registry of the REGISTRY_* variables."""
    from orchestration.instance import prepare_dagster_home
    from registry.build.dbt_project import parsed_project
    from registry.paths import CHECKOUT

    try:
        settings = load_settings()
        prepare_dagster_home(settings)
        parsed_project()
    except UserError as mistake:
        print_error(str(mistake))
        sys.exit(2)
    # absolute paths, because Dagster's processes start in another folder
    variables = {**os.environ, "REGISTRY_HOME": str(settings.home)}
    for name in {"REGISTRY_DELIVERIES", "REGISTRY_CONFIG", "REGISTRY_KEY_FILE"} & variables.keys():
        variables[name] = os.path.abspath(Path(variables[name]).expanduser()) if variables[name] else ""
    dagster = Path(sys.executable).parent / "dagster"
    workspace = str(CHECKOUT / "workspace.yaml")
    os.chdir(CHECKOUT)
    os.execve(dagster, [str(dagster), "dev", "-w", workspace, "-h", "127.0.0.1", "-p", str(port)], variables)


if __name__ == "__main__":
    main()
