"""Options that several sub-commands share."""

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
    """The settings of the home that the command was given; None where it takes none, or they can't be read."""
    from registry.config.settings import load_settings

    try:
        return load_settings(home=ctx.meta[_HOME_KEY], for_reading=True) if _HOME_KEY in ctx.meta else None
    except (UserError, OSError):
        return None


HOME = click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    callback=_remember,
    help="State of the registry. [REGISTRY_HOME, ./data]",
)
DELIVERIES = click.option(
    "--deliveries",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the sites' exports. [<home>/deliveries]",
)
FORMAT = click.option(
    "--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True
)


def agreed(question: str) -> bool:
    """Whether the user answers yes; no answer is no."""
    try:
        return click.confirm(question)
    except click.Abort:
        return False
