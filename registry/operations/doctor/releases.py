"""Checks of the releases: the link, the checksums, the gate's last result, and the monthly refresh."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from registry import release
from registry.curation import account
from registry.errors import UserError
from registry.operations.doctor.finding import Finding, look, ok, wrong
from registry.release.gate_record import read
from registry.release.store import CURRENT
from registry.system import event_log
from registry.system.text import counted

if TYPE_CHECKING:
    from registry.config.settings import Settings

DUE_DAY, DUE_HOUR = 3, 6
"""The day and hour of the monthly schedule."""
GRACE = timedelta(days=1)


def link(settings: Settings) -> Iterator[Finding]:
    """Does the link `current` point to a release?"""
    known = release.list_releases(settings)
    path = settings.releases / CURRENT
    if not known and not path.is_symlink():
        yield ok("none yet")
        return
    fix = f"ln -sfn {known[0].release_id} {path}" if known else f"rm {path}"
    if path.exists() and not path.is_symlink():
        yield wrong(f"{path} is not a link: move it away, then: {fix}, and registry refresh")
    elif not path.exists():
        yield wrong(f"{path} points to a missing folder: {fix}, then registry refresh")
    else:
        yield ok(f"{path.readlink().name} of {counted(len(known), 'release')}")


def checksums(settings: Settings) -> Iterator[Finding]:
    """Is every release unchanged since publication?"""
    changed = {}
    for one in release.list_releases(settings):
        files = release.verify(one.path)
        if files:
            changed[one.release_id] = files
    for release_id, files in changed.items():
        yield wrong(
            f"release {release_id}: {', '.join(files[:3])}{' and more' if len(files) > 3 else ''} modified: "
            "restore it from a backup, or remove its folder and refresh"
        )
    if not changed:
        yield ok("every release is unchanged")


def gate(settings: Settings) -> Iterator[Finding]:
    """What was the gate's last result?"""
    decision = read(settings)
    if decision is None:
        yield ok("no result yet")
    elif decision.status == "refused":
        checks = ", ".join(check.check_id for check in decision.audit.blocking)
        yield wrong(f"refused on {decision.decided_at[:10]} ({checks}): see docs/runbooks.md, 'The gate refused'")
    else:
        yield ok(f"{decision.status} on {decision.decided_at[:10]}, {counted(len(decision.audit.warnings), 'warning')}")


def not_used(settings: Settings) -> Iterator[Finding]:
    """What could newly not be used, by site?"""
    news = []
    with suppress(UserError):  # `link` and `checksums` report this
        news = [one for one in account.of_release(settings) if one.lines()]
    for one in news:
        yield look(f"{one.site}: {'; '.join(one.lines())}")
    if not news:
        yield ok("nothing new is quarantined, emptied or left out")


def last_refresh(settings: Settings) -> Iterator[Finding]:
    """Has the last monthly refresh been run?"""
    last = last_success(settings)
    due = last_due(datetime.now(UTC), settings.study.time_zone)
    if last is None:
        yield ok("none yet")
    elif last < due:
        yield wrong(f"the last one was on {last:%Y-%m-%d}, one was due on {due:%Y-%m-%d}: registry refresh")
    else:
        yield ok(f"the last one was on {last:%Y-%m-%d}")


def last_success(settings: Settings) -> datetime | None:
    """When a refresh last published or confirmed a release."""
    moments = [
        datetime.fromisoformat(entry["at"])
        for entry in event_log.entries(settings)
        if entry.get("event") == "refresh_ended" and entry.get("exit_code") == 0
    ]
    decision = release.last_decision(settings)
    if decision is not None and decision.status != "refused":
        moments.append(datetime.fromisoformat(decision.decided_at))
    current = None
    with suppress(UserError):  # `link` and `checksums` report this
        current = release.current(settings)
    if current is not None:
        moments.append(datetime.fromisoformat(current.manifest["created_at"]))
    return max(moments, default=None)


def last_due(now: datetime, time_zone: str) -> datetime:
    """The latest monthly due time that is more than a day past."""
    local = (now - GRACE).astimezone(ZoneInfo(time_zone))
    due = local.replace(day=DUE_DAY, hour=DUE_HOUR, minute=0, second=0, microsecond=0)
    if due > local:
        before = local.replace(day=1) - timedelta(days=1)
        due = before.replace(day=DUE_DAY, hour=DUE_HOUR, minute=0, second=0, microsecond=0)
    return due
