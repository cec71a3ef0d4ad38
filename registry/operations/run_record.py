"""The start and end of every refresh in the event log, and the alert if one from the command line failed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from registry import release
from registry.config.settings import Settings
from registry.errors import UserError
from registry.operations import alerts
from registry.system import event_log
from registry.system.lock import InUse

JOB = "registry_refresh"
STOPPED = 130
"""Exit code of a refresh that was stopped, as shells use it for Ctrl-C."""


@dataclass
class RunRecord:
    """One refresh and its exit code."""

    settings: Settings
    run_id: str
    exit_code: int = 0
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    _started: float = field(default_factory=time.monotonic)

    def begin(self, trigger: str) -> None:
        """Record the start in the event log, once the lock is taken.

        Args:
            trigger: what started it: command, schedule, sensor or UI.
        """
        event_log.record(
            self.settings, "refresh_started", run=self.run_id, trigger=trigger, through=self.settings.through
        )

    def end(self) -> None:
        """Record the end in the event log, unless nothing was ever loaded into the home."""
        if self.settings.raw_db.exists():
            event_log.record(
                self.settings,
                "refresh_ended",
                run=self.run_id,
                exit_code=self.exit_code,
                seconds=round(time.monotonic() - self._started, 1),
                release=_in_force(self.settings),
            )


@contextmanager
def recorded(settings: Settings, run_id: str) -> Iterator[RunRecord]:
    """Record a refresh from the command line, and send an alert if it fails.

    No alert if the user stopped it, if another refresh is running, or if nothing was ever loaded into the home.
    """
    run = RunRecord(settings, run_id, exit_code=1)
    is_begun = is_to_tell = True
    try:
        yield run
    except KeyboardInterrupt:
        run.exit_code = STOPPED
        is_to_tell = False
        raise
    except InUse:
        is_begun = False
        raise
    except UserError as mistake:
        run.exit_code = mistake.exit_code
        raise
    except OSError:
        run.exit_code = 2
        raise
    finally:
        if is_begun and settings.raw_db.exists():
            run.end()
            if run.exit_code and is_to_tell:
                alerts.send(settings, alerts.kind_of_failure(settings, run.began), run_id, JOB)


def _in_force(settings: Settings) -> str | None:
    with suppress(UserError):
        current = release.current(settings)
        return current.release_id if current else None
    return None
