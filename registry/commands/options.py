"""Options that several sub-commands share."""

from __future__ import annotations

from pathlib import Path

import click

HOME = click.option(
    "--home", type=click.Path(path_type=Path, file_okay=False), help="State of the registry. [REGISTRY_HOME, ./data]"
)
DELIVERIES = click.option(
    "--deliveries",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the sites' exports. [<home>/deliveries]",
)
FORMAT = click.option(
    "--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True
)
