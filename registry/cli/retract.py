"""`registry retract`: exclude a misplaced delivery until this is undone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from registry.cli.options import HOME, agreed
from registry.errors import UserError

if TYPE_CHECKING:
    from registry.curation.retraction import Held

_SHOWN = 20


@click.command()
@click.argument("place", metavar="SITE/MONTH[/FILE]", required=False)
@click.option("--undo", metavar="SITE/MONTH[/FILE]", help="Undo the retraction of this place.")
@click.option("--list", "is_list", is_flag=True, help="List what is retracted.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@HOME
def retract(place: str | None, undo: str | None, is_list: bool, yes: bool, home: Path | None) -> None:
    """Exclude a misplaced delivery from all results. Can be undone.

    Its rows stay in the vault but are not used, nor is anything delivered there later, until --undo.
    """
    from registry.cli.console import console
    from registry.config.settings import load_settings
    from registry.curation import retraction
    from registry.system import lock

    if sum(map(bool, (place, undo, is_list))) != 1:
        raise UserError("give one place as SITE/MONTH or SITE/MONTH/FILE, --undo with a place, or --list")
    settings = load_settings(home=home)
    if is_list:
        _print_list(retraction.listed(settings))
        return
    lock.acquire(settings, "registry retract", wait=False)
    try:
        if undo:
            named = retraction.parse(undo)
            held = retraction.find_retracted(settings, named)
            _confirm(held, "Use them again?", is_sure=yes)
            retraction.undo(settings, held)
            console.print(f"retraction undone: {held.place.where} is used again", markup=False)
        else:
            held = retraction.find(settings, retraction.parse(place or ""))
            if held.is_retracted:
                console.print(f"{held.place.where} is retracted already", markup=False)
                return
            _confirm(held, "Exclude them, and anything delivered there later?", is_sure=yes)
            retraction.retract(settings, held)
            console.print(f"retracted: {held.place.where}", markup=False)
            console.print(f"to undo: registry retract --undo {held.place.where}", markup=False)
    finally:
        lock.release(settings)
    console.print("next: registry refresh, which publishes a release with this change")


def _confirm(held: Held, question: str, *, is_sure: bool) -> None:
    from registry.cli.console import console

    for name, entity, n_rows in held.files[:_SHOWN]:
        console.print(f"  {held.place.site}/{held.place.delivery}/{name}: {n_rows:,} rows of {entity}", markup=False)
    if len(held.files) > _SHOWN:
        console.print(f"  and {len(held.files) - _SHOWN:,} more files")
    rows = ", ".join(f"{n_rows:,} {entity}" for entity, n_rows in held.rows.items()) or "none"
    if not is_sure and not agreed(f"{held.place.where}: {len(held.files):,} files; rows: {rows}. {question}"):
        raise UserError("nothing was changed: answer y, or give --yes")


def _print_list(places: list[tuple[object, ...]]) -> None:
    from registry.cli.console import console, print_rows

    if places:
        columns = ["site", "delivery", "file", "retracted", "files", "rows"]
        print_rows(columns, [[*row[:2], row[2] or "the whole month", *row[3:]] for row in places])
    else:
        console.print("nothing is retracted")
