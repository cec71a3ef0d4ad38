"""Keeping the registry in order: forget a patient, look after the key, see what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from registry.cli.options import DELIVERIES, HOME, agreed
from registry.errors import UserError

if TYPE_CHECKING:
    from registry.curation.withdrawal import Subject


@click.command()
@click.argument("patient", required=False)
@click.option("--site", help="The patient's site; the hospital's id is then asked for, and stays out of the history.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@HOME
def forget(patient: str | None, site: str | None, yes: bool, home: Path | None) -> None:
    """Withdraw a patient from vault, build file and all future releases. Can't be undone.

    PATIENT is a pseudonym (patient_key) or SITE/ID with the hospital's own id. Without it, --site SITE asks for the id.
    """
    from registry.cli.console import console
    from registry.config.settings import load_settings
    from registry.curation import withdrawal as withdrawn
    from registry.system import lock

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
    n_rows, n_files = subject.remains.n_rows, len(subject.remains.files)
    question = f"one patient of {subject.site}: {n_rows:,} rows of {n_files:,} files. Erase them for good?"
    if not is_sure and not agreed(question):
        raise UserError("nothing was changed: answer y, or give --yes")


def _print_remains(subject: Subject) -> None:
    """What the registry does not touch, and what to do about it."""
    from registry.cli.console import console

    remains = subject.remains
    if remains.files:
        console.print(
            f"{len(remains.files):,} delivered files hold these rows. They are only read, and loaded again the rows "
            "are left out; to have them gone, refresh first, then take them out of these, or ask for new exports:"
        )
        for place, n_rows in remains.files.items():
            console.print(f"  {place}, rows: {n_rows:,}", markup=False)
    if remains.releases:
        console.print(
            f"{len(remains.releases):,} releases hold the patient under a pseudonym, and stay as they are: "
            f"{', '.join(remains.releases)}"
        )
    if remains.unknown:
        console.print(
            f"{len(remains.unknown):,} releases were made under an earlier key, or set aside as damaged: whether they "
            f"hold the patient can't be told, so take it that they do: {', '.join(remains.unknown)}"
        )
    if remains.releases or remains.unknown:
        console.print("  to have them gone, refresh first, then remove their folders; the one in force goes last")
    console.print("also look for: backups of the vault, forms and files from `registry review` and `quarantine`")
    console.print("next: registry refresh, which publishes a release without the patient")


@click.command()
@HOME
@DELIVERIES
def doctor(home: Path | None, deliveries: Path | None) -> None:
    """What is wrong and how to mend it, one line each. Exits with 2 where something is to be mended."""
    from rich.markup import escape

    from registry.cli.console import console
    from registry.config.settings import load_settings
    from registry.operations.doctor import examine

    shown = {"ok": "[green]ok[/green]   ", "look": "[yellow]look[/yellow] ", "wrong": "[bold red]wrong[/bold red]"}
    n_wrong = 0
    for finding in examine(load_settings(home=home, deliveries=deliveries)):
        console.print(f"{shown[finding.level]}  {finding.subject:<11} {escape(finding.text)}")
        n_wrong += finding.level == "wrong"
    if n_wrong:
        raise click.exceptions.Exit(2)


@click.group()
def key() -> None:
    """The pseudonym key: check, back up, restore, rotate. It is never shown."""


@key.command()
@HOME
def check(home: Path | None) -> None:
    """The key's id, and whether it is the one that the vault was loaded with."""
    from registry.cli.console import console
    from registry.config.settings import load_settings
    from registry.operations.doctor.vault import key as examined

    for finding in examined(load_settings(home=home)):
        if finding.level == "wrong":
            raise UserError(finding.text)
        console.print(finding.text)


@key.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@HOME
def backup(file: Path, home: Path | None) -> None:
    """Copy the key to a new FILE outside the home, readable by its owner alone. Again after every rotation."""
    from registry.cli.console import console
    from registry.config.settings import load_settings
    from registry.vault.keys import back_up

    key_id = back_up(load_settings(home=home), file)
    console.print(f"key {key_id}: {file}")
    console.print("keep it apart from the vault's backup: together they identify everyone")


@key.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@HOME
def restore(file: Path, home: Path | None) -> None:
    """Put a backed-up key, or one of your own making, in place; refused where it is not the vault's."""
    from registry.cli.console import console
    from registry.config.settings import load_settings
    from registry.system import lock
    from registry.vault.keys import restore as put_in_place

    settings = load_settings(home=home)
    lock.acquire(settings, "registry key restore", wait=False)
    try:
        console.print(f"key {put_in_place(settings, file)} is in place: {settings.key_file}")
    finally:
        lock.release(settings)


@key.command()
@click.option("--lost", is_flag=True, help="The key is gone and no backup is left: give up its tombstones.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@HOME
def rotate(lost: bool, yes: bool, home: Path | None) -> None:
    """Give every patient a new pseudonym under a new key. Earlier releases stay, and can't be linked to later ones."""
    from registry.cli.console import console
    from registry.config.settings import load_settings
    from registry.system import lock
    from registry.vault.rotation import rotate as renew

    question = "Every patient gets a new pseudonym, and earlier releases can't be linked to later ones. Go on?"
    if not yes and not agreed(question):
        raise UserError("nothing was changed: answer y, or give --yes")
    settings = load_settings(home=home)
    lock.acquire(settings, "registry key rotate", wait=False)
    try:
        key_id, n_patients = renew(settings, is_lost=lost)
    finally:
        lock.release(settings)
    console.print(f"key {key_id} is in force, {n_patients:,} patients are renamed")
    if lost:
        console.print("who was forgotten before is not known any more: forget them again once they are delivered")
    console.print("next: registry key backup FILE, then registry refresh")
