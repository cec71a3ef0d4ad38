"""Keeping the registry in order: forget a patient, look after the key, see what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from registry.commands.options import HOME
from registry.errors import UserError

if TYPE_CHECKING:
    from registry.withdrawal.patient import Subject


@click.command()
@click.argument("patient", required=False)
@click.option("--site", help="The patient's site; the hospital's id is then asked for, and stays out of the history.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@HOME
def forget(patient: str | None, site: str | None, yes: bool, home: Path | None) -> None:
    """Withdraw a patient from vault, build file and all future releases. Can't be undone.

    PATIENT is a pseudonym (patient_key) or SITE/ID with the hospital's own id. Without it, --site SITE asks for the id.
    """
    from registry import lock
    from registry.console import console
    from registry.settings import load_settings
    from registry.withdrawal import patient as withdrawn

    if (patient is None) == (site is None):
        raise UserError("name the patient by pseudonym or as SITE/ID, or give --site SITE alone to be asked for the id")
    named = patient or f"{site}/{click.prompt('patient id at this site', hide_input=True)}"
    settings = load_settings(home=home)
    if not settings.raw_db.exists():
        raise UserError(f"nothing has been loaded into {settings.home}: name the right one with --home")
    lock.acquire(settings, "registry forget", wait=False)
    try:
        subject = withdrawn.find(settings, named)
        if subject.is_forgotten and not subject.remains.files:
            withdrawn.forget(settings, subject)  # finishes one that was cut off
            console.print("this patient was forgotten already")
        else:
            _confirm(subject, is_sure=yes)
            n_rows = withdrawn.forget(settings, subject)
            console.print(f"forgotten: {n_rows:,} rows of one patient of {subject.site} are erased; a tombstone stays")
        _print_remains(subject)
    finally:
        lock.release(settings)


def _confirm(subject: Subject, *, is_sure: bool) -> None:
    if is_sure:
        return
    n_rows, n_files = subject.remains.n_rows, len(subject.remains.files)
    question = f"one patient of {subject.site}: {n_rows:,} rows of {n_files:,} files. Erase them for good?"
    try:
        is_sure = click.confirm(question)
    except click.Abort:
        is_sure = False
    if not is_sure:
        raise UserError("nothing was changed: answer y, or give --yes")


def _print_remains(subject: Subject) -> None:
    """What the registry does not touch, and what to do about it."""
    from registry.console import console

    remains = subject.remains
    if remains.files:
        console.print(
            f"{len(remains.files):,} delivered files hold these rows. They are only read, and loaded again the rows are "
            "left out; to have them gone, take them out of these, or ask the site for new exports:"
        )
        for place, n_rows in remains.files.items():
            console.print(f"  {place}  ({n_rows:,} rows)", markup=False)
    if remains.releases:
        console.print(
            f"{len(remains.releases):,} releases hold the patient under a pseudonym, and stay as they are: "
            f"{', '.join(remains.releases)}"
        )
        console.print("  to have them gone, refresh first, then remove their folders; the one in force goes last")
    console.print("also look for: backups of the vault, forms and files from `registry review` and `quarantine`")
    console.print("next: registry refresh, which publishes a release without the patient")
