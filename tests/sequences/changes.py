"""What people and sites do between the steps of a refresh."""

from __future__ import annotations

import shutil
from functools import singledispatch

from integration.plan_runs import DOSES, PATIENTS
from sequences.actions import Deliver, Remove, Retract, RollBack, WriteProfile, WriteStudy

from registry import release
from registry.config.settings import Settings
from registry.curation import retraction
from registry.ingest import ledger
from registry.vault.database import connect_vault

RESULTS = """\
result_id,patient_id,test_code,value,unit,collected_at,note
R{month}a,SYN-1,751-8,3.1,10*9/L,2024-11-02,
R{month}b,SYN-1,751-8,{anc},10*9/L,{month}-20,seen
R{month}c,SYN-2,NEU,{anc},10*9/L,{month}-21,
"""
FILES = {"patients": PATIENTS, "administrations": DOSES, "lab_results": RESULTS}


@singledispatch
def change(action: object, settings: Settings) -> None:
    """Change a home. UserError where the product refuses it."""
    raise NotImplementedError(action)


@change.register
def _(action: Deliver, settings: Settings) -> None:
    folder = settings.deliveries / action.site / action.month
    folder.mkdir(parents=True, exist_ok=True)
    for entity, text in FILES.items():
        if action.only in ("", entity):
            (folder / f"{entity}.csv").write_text(text.format(month=action.month, anc=action.anc))


@change.register
def _(action: Remove, settings: Settings) -> None:
    place = settings.deliveries / action.site / action.month
    if action.month and action.entity:
        (place / f"{action.entity}.csv").unlink(missing_ok=True)
    else:
        shutil.rmtree(place, ignore_errors=True)


@change.register
def _(action: WriteStudy, settings: Settings) -> None:
    path = settings.deliveries / "registry.yml"
    path.parent.mkdir(parents=True, exist_ok=True)
    if not action.late_days:
        path.unlink(missing_ok=True)
        return
    keep = f"keep_releases: {action.keep_releases}\n" if action.keep_releases else ""
    path.write_text(f"{keep}definitions: [{{definition_id: udine_2025, late_days: {action.late_days}}}]\n")


@change.register
def _(action: WriteProfile, settings: Settings) -> None:
    path = settings.deliveries / action.site / "site.yml"
    if not action.text:
        path.unlink(missing_ok=True)
    elif path.parent.is_dir():
        path.write_text(action.text)


@change.register
def _(action: Retract, settings: Settings) -> None:
    name = f"{action.entity}.csv" if action.entity else None
    place = retraction.Place(action.site, action.month, name)
    if place.where in retracted(settings):
        retraction.undo(settings, retraction.find_retracted(settings, place))
        return
    held = retraction.find(settings, place)
    if not held.is_retracted:
        retraction.retract(settings, held)


@change.register
def _(action: RollBack, settings: Settings) -> None:
    releases = release.list_releases(settings)
    release.rollback(settings, releases[action.number % len(releases)].release_id)


def retracted(settings: Settings) -> set[str]:
    """Every retracted place."""
    with connect_vault(settings, read_only=True) as connection:
        return {retraction.Place(*one).where for one in ledger.retractions(connection)}
