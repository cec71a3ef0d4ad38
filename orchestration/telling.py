"""What a refresh from the command line leaves in the journal, and the alert where it failed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from registry import alerts, journal, release
from registry.errors import UserError
from registry.lock import InUse
from registry.settings import Settings

JOB = "registry_refresh"


@dataclass
class Run:
    """One refresh and, once it has one, its exit code."""

    settings: Settings
    run_id: str
    exit_code: int = 1
    began: datetime = field(default_factory=lambda: datetime.now(UTC))

    def begin(self) -> None:
        """Write its beginning into the journal, now that the lock is taken."""
        journal.record(self.settings, "refresh_started", run=self.run_id, through=self.settings.through)


@contextmanager
def told_of_failures(settings: Settings, run_id: str) -> Iterator[Run]:
    """At the end tell the journal how it went, and whoever is on duty where it failed.

    Not where the user stopped it or another refresh is under way; nor in a home that holds nothing yet, which a mistake
    in the first command does not begin.
    """
    run = Run(settings, run_id)
    started = time.monotonic()
    is_to_tell = True
    try:
        yield run
    except (KeyboardInterrupt, InUse):
        is_to_tell = False
        raise
    except UserError as mistake:
        run.exit_code = mistake.exit_code
        raise
    except OSError:
        run.exit_code = 2
        raise
    finally:
        if is_to_tell and settings.raw_db.exists():
            journal.record(
                settings,
                "refresh_ended",
                run=run_id,
                exit_code=run.exit_code,
                seconds=round(time.monotonic() - started, 1),
                release=_in_force(settings),
            )
            if run.exit_code:
                alerts.send(settings, alerts.kind_of_failure(settings, run.began), run_id, JOB)


def _in_force(settings: Settings) -> str | None:
    with suppress(UserError):
        current = release.current(settings)
        return current.release_id if current else None
    return None
