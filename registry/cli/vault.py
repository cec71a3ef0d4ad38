"""Commands for the vault: forget a patient, manage the key."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from registry.cli.options import HOME, agreed
from registry.errors import UserError

if TYPE_CHECKING:
    from registry.curation.withdrawal import Subject


@click.command()
@click.argument("patient", required=False)
@click.option(
    "--site", help="The patient's site. The hospital's id is then prompted for, so it stays out of the shell history."
)
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@HOME
def forget(patient: str | None, site: str | None, yes: bool, home: Path | None) -> None:
    """Withdraw a patient from vault, build file and all future releases. Can't be undone.

    PATIENT is a pseudonym (patient_key) or SITE/ID with the hospital's own id. Without it, --site prompts for the id.
    """
    from registry.cli.console import console
    from registry.config.settings import load_settings
    from registry.curation import withdrawal as withdrawn
    from registry.system import lock

    if (patient is None) == (site is None):
        raise UserError("give the patient as a pseudonym or SITE/ID, or only --site SITE to be prompted for the id")
    named = patient or f"{site}/{click.prompt('patient id at this site', hide_input=True)}"
    settings = load_settings(home=home)
    if not settings.raw_db.exists():
        raise UserError(f"{settings.home}: nothing has been loaded here; name the right home with --home")
    lock.acquire(settings, "registry forget", wait=False)
    try:
        subject = withdrawn.find(settings, named)
        if subject.is_forgotten and not subject.remains.files:
            withdrawn.forget(settings, subject)  # finishes an interrupted one
            console.print("this patient was already forgotten")
        else:
            _confirm(subject, is_sure=yes)
            n_rows = withdrawn.forget(settings, subject)
            console.print(f"forgotten: {n_rows:,} rows of one patient of {subject.site} erased; a tombstone remains")
        _print_remains(subject)
    finally:
        lock.release(settings)


def _confirm(subject: Subject, *, is_sure: bool) -> None:
    n_rows, n_files = subject.remains.n_rows, len(subject.remains.files)
    question = f"one patient of {subject.site}: {n_rows:,} rows in {n_files:,} files. Erase them permanently?"
    if not is_sure and not agreed(question):
        raise UserError("nothing was changed: answer y, or give --yes")


def _print_remains(subject: Subject) -> None:
    """Print which copies the registry does not touch, and what to do about them."""
    from registry.cli.console import console

    remains = subject.remains
    if remains.files:
        console.print(
            f"{len(remains.files):,} delivered files still contain these rows. The registry skips the rows "
            "and does not "
            "change the files; to remove the rows, refresh first, then edit the files or ask for new exports:"
        )
        for place, n_rows in remains.files.items():
            console.print(f"  {place}, rows: {n_rows:,}", markup=False)
    if remains.releases:
        console.print(
            f"{len(remains.releases):,} releases contain the patient under a pseudonym, and are not changed: "
            f"{', '.join(remains.releases)}"
        )
    if remains.unknown:
        console.print(
            f"{len(remains.unknown):,} releases were made under an earlier key, or moved aside as damaged, and can't "
            f"be searched; assume that they contain the patient: {', '.join(remains.unknown)}"
        )
    if remains.releases or remains.unknown:
        console.print(
            "  to remove the patient there, refresh first, then remove their folders, the current release last"
        )
    console.print("also check backups of the vault, and forms and files from `registry review` and `quarantine`")
    console.print("next: registry refresh, which publishes a release without the patient")


@click.group()
def key() -> None:
    """Check, back up, restore or rotate the pseudonym key. It is never shown."""


@key.command()
@HOME
def check(home: Path | None) -> None:
    """Show the key's id, and check that the vault was loaded with this key."""
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
    """Copy the key to a new FILE outside the home, readable only by its owner. Repeat after every rotation."""
    from registry.cli.console import console
    from registry.config.settings import load_settings
    from registry.vault.keys import back_up

    key_id = back_up(load_settings(home=home), file)
    console.print(f"key {key_id}: {file}")
    console.print("keep it apart from the backup of the vault: together they identify everyone")


@key.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@HOME
def restore(file: Path, home: Path | None) -> None:
    """Install a key from FILE, a backup or one that you made; refused if it does not match the vault."""
    from registry.cli.console import console
    from registry.config.settings import load_settings
    from registry.system import lock
    from registry.vault.keys import restore as put_in_place

    settings = load_settings(home=home)
    lock.acquire(settings, "registry key restore", wait=False)
    try:
        console.print(f"key {put_in_place(settings, file)} is installed: {settings.key_file}")
    finally:
        lock.release(settings)


@key.command()
@click.option("--lost", is_flag=True, help="The key is lost and there is no backup: discard its tombstones too.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@HOME
def rotate(lost: bool, yes: bool, home: Path | None) -> None:
    """Give every patient a new pseudonym under a new key. Earlier releases can't be linked to later ones."""
    from registry.cli.console import console
    from registry.config.settings import load_settings
    from registry.system import lock
    from registry.vault.rotation import rotate as renew

    question = "Every patient gets a new pseudonym, and earlier releases can't be linked to later ones. Continue?"
    if not yes and not agreed(question):
        raise UserError("nothing was changed: answer y, or give --yes")
    settings = load_settings(home=home)
    lock.acquire(settings, "registry key rotate", wait=False)
    try:
        key_id, n_patients = renew(settings, is_lost=lost)
    finally:
        lock.release(settings)
    console.print(f"key {key_id} is in use; {n_patients:,} patients have new pseudonyms")
    if lost:
        console.print("earlier withdrawals are no longer known: repeat them after the patients are delivered again")
    console.print("next: registry key backup FILE, then registry refresh")
