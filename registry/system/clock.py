"""The current time, read only here to check delivery months, so that tests can replace it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from registry.config.settings import Settings


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


def present_month(settings: Settings) -> str:
    """The current month in the study's time zone, YYYY-MM."""
    return now().astimezone(ZoneInfo(settings.study.time_zone)).strftime("%Y-%m")
