"""Checks of the deliveries against the ledger, and of settings that no refresh has read yet."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from registry import ingest, refresh
from registry.config.inputs import no_deliveries
from registry.config.site import PROFILE_NAME
from registry.curation import retraction
from registry.operations.doctor.finding import Finding, look, ok, wrong
from registry.operations.doctor.releases import last_success
from registry.system import lock
from registry.system.text import counted

if TYPE_CHECKING:
    from registry.config.settings import Settings


def deliveries(settings: Settings) -> Iterator[Finding]:
    """Can every file and folder be placed? What is not loaded yet?"""
    if not settings.deliveries.is_dir():
        yield wrong(no_deliveries(settings.home, settings.deliveries))
        return
    if lock.is_held(settings):
        yield ok(f"{counted(len(ingest.discover(settings)), 'file')}; a refresh is running")
        return
    plan = refresh.survey(settings)
    files, n_waiting = plan.files, len(plan.to_load())
    if n_waiting:
        yield look(f"{counted(n_waiting, 'file')} of {len(files):,} not loaded yet: registry refresh")
    elif files and refresh.is_behind(plan):
        yield look(f"{counted(len(files), 'file')}, all loaded, but {refresh.NOT_PUBLISHED}: registry refresh")
    else:
        yield ok(f"{counted(len(files), 'file')}, all loaded")


def ledger_against_deliveries(settings: Settings) -> Iterator[Finding]:
    """Are loaded files still there? Their rows remain in use, but a lost vault could not be loaded again."""
    if not settings.raw_db.exists() or not settings.deliveries.is_dir() or lock.is_held(settings):
        yield ok("nothing to compare now")
        return
    missing = ingest.no_longer_there(settings, ingest.find(settings))
    if missing:
        months = sorted({f"{site}/{delivery}" for site, delivery, _ in missing})
        shown = ", ".join(months[:5]) + (" and more" if len(months) > 5 else "")
        yield look(f"{counted(len(missing), 'loaded file')} no longer there ({shown}): their rows remain in use")
    else:
        yield ok("every loaded file is still there")


def places(settings: Settings) -> Iterator[Finding]:
    """Is a future month in use? What is retracted?"""
    if lock.is_held(settings):
        yield ok("not checked while a refresh is running")
        return
    future = ingest.future_months(settings)
    if future:
        yield look(
            f"{', '.join(future)}: later than the current month, which moves the site's cut-off: "
            f"registry retract {future[0]}, then registry refresh"
        )
    retracted = retraction.listed(settings)
    if retracted:
        yield look(f"{counted(len(retracted), 'place')} retracted and not used: registry retract --list")
    if not future and not retracted:
        yield ok("no loaded month is in the future, and no place is retracted")


def settings_read(settings: Settings) -> Iterator[Finding]:
    """Was a site.yml or the registry.yml changed since the last refresh, or put where it is not read?"""
    if not settings.deliveries.is_dir():
        yield ok("no deliveries")
        return
    sites = [settings.deliveries / site for site in ingest.load_profiles(settings)]
    hidden = [path for site in sites for path in site.glob(f".*{PROFILE_NAME}*") if path.is_file()]
    for path in hidden:
        yield look(f"{path} is hidden and not read: rename it to {PROFILE_NAME}, or remove it")
    files = [settings.config] if settings.config else []
    files += [path for site in sites if (path := site / PROFILE_NAME).exists()]
    last = last_success(settings)
    changed = [path for path in files if last is not None and _changed_at(path) > last]
    if changed:
        yield look(f"{counted(len(changed), 'file')} changed since the last refresh ({changed[0]}): registry refresh")
    elif not hidden:
        yield ok(f"{counted(len(files), 'file')}, without mistakes")


def _changed_at(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)
