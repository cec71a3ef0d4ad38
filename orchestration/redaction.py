"""Redact errors: Dagster gets what a step raised without values; the user who started the run gets the full error.

Dagster stores an exception with its message, stack and causes in a database that the UI shows. Errors of DuckDB quote
cells, and our own messages name files.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import dagster as dg

from orchestration.resources import RegistrySettings
from orchestration.runs import for_journal, note_failure, running
from registry.config.settings import Settings
from registry.errors import UserError
from registry.operations import error_reports
from registry.system import event_log

_told: list[Exception] = []


class Timer:
    """The seconds since a step began, for the event log and the UI."""

    def __init__(self) -> None:
        self._started, self._cpu_before = time.monotonic(), time.process_time()

    def seconds(self) -> dict[str, float]:
        """Wall-clock seconds, and CPU seconds of this process."""
        return {
            "seconds": round(time.monotonic() - self._started, 2),
            "cpu_seconds": round(time.process_time() - self._cpu_before, 2),
        }


@contextmanager
def redact_errors(registry_settings: RegistrySettings, step: str) -> Iterator[Timer]:
    """Run the body of a step, and record in the event log how long it took.

    Raises:
        dagster.Failure: any error, in one line without a patient's value or a file name; a Failure is passed on.
    """
    timer = Timer()
    try:
        yield timer
        event_log.record(for_journal(registry_settings), "step_ended", run=running(), step=step, **timer.seconds())
    except dg.Failure:
        raise
    except Exception as error:  # noqa: BLE001  Dagster would store any error with the values it quotes
        note_failure(error)
        raise dg.Failure(in_one_line(registry_settings, error, step), allow_retries=False) from None


def take_last_error() -> Exception | None:
    """The error behind the last Failure of this process, in one line; None if a step raised the Failure itself."""
    return _told.pop() if _told else None


def in_one_line(registry_settings: RegistrySettings, error: Exception, step: str) -> str:
    """An error as a line that Dagster may store; `take_last_error` returns the full one."""
    settings = _settings(registry_settings)
    line = error_reports.to_user_error(settings, error, step)
    _told[:] = [line]
    if settings is None or not isinstance(line, UserError):
        return str(line)
    stored = error_reports.redact(settings, str(line))
    if stored != str(line):
        with suppress(OSError, UserError):
            stored += f"; the full message: {error_reports.write_private_report(settings, line, step)}"
    return stored


def _settings(registry_settings: RegistrySettings) -> Settings | None:
    """The settings, or None if they contain the mistake."""
    try:
        return registry_settings.places()
    except UserError:
        return None
