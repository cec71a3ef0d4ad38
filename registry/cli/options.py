"""Options shared by several commands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from registry.errors import UserError

if TYPE_CHECKING:
    from registry.config.settings import Settings

_HOME_KEY = "registry.home"


def _remember(ctx: click.Context, _: click.Parameter, home: Path | None) -> Path | None:
    ctx.meta[_HOME_KEY] = home
    return home


def home_in_use(ctx: click.Context) -> Settings | None:
    """The settings of the command's home; None if the command takes no home or the settings can't be read."""
    from registry.config.settings import load_settings

    try:
        return load_settings(home=ctx.meta[_HOME_KEY], for_reading=True) if _HOME_KEY in ctx.meta else None
    except (UserError, OSError):
        return None


HOME = click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    callback=_remember,
    help="Folder with the registry's state. [REGISTRY_HOME, ./data]",
)
DELIVERIES = click.option(
    "--deliveries",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder with the sites' exports. [REGISTRY_DELIVERIES, that of the last refresh, <home>/deliveries]",
)
FORMAT = click.option(
    "--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True
)


def agreed(question: str) -> bool:
    """Ask the user; no answer counts as no."""
    try:
        return click.confirm(question)
    except click.Abort:
        return False
