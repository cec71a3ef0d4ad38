"""The simulated calendar: deliveries, working days, holidays, seasons. Days are date ordinals."""

from __future__ import annotations

import random
import re
from bisect import bisect_left
from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from math import cos, pi

from registry.errors import UserError

YEAR = 365.25


@lru_cache(maxsize=65_536)
def iso(day: int) -> str:
    """The day as YYYY-MM-DD."""
    return date.fromordinal(day).isoformat()


@lru_cache(maxsize=65_536)
def year_of(day: int) -> int:
    """The calendar year of a day."""
    return date.fromordinal(day).year


def month_number(text: str, *, what: str) -> int:
    """Months since year 0 of a YYYY-MM. A UserError names `what` if it is invalid."""
    match = re.fullmatch(r"(\d{4})-(\d{2})", text)
    if match is None or not (1 <= int(match[2]) <= 12 and int(match[1]) >= 1):
        raise UserError(f"{what} must be a month as YYYY-MM, such as 2025-03, got {text!r}")
    return int(match[1]) * 12 + int(match[2]) - 1


def month_name(number: int) -> str:
    """YYYY-MM of a month number."""
    return f"{number // 12:04d}-{number % 12 + 1:02d}"


def first_day(number: int) -> int:
    """The first day of a month number."""
    return date(number // 12, number % 12 + 1, 1).toordinal()


def last_day(number: int) -> int:
    """The last day of a month number."""
    return first_day(number + 1) - 1


class DeliveryCalendar:
    """The months delivered, in order.

    A fact belongs to the first delivery whose export covers its day; so the first delivery contains all history.
    """

    def __init__(self, months: Sequence[int]) -> None:
        self.names = tuple(month_name(number) for number in months)
        self._ends = [last_day(number) for number in months]
        self.first_day = first_day(months[0])
        self.last_day = self._ends[-1]

    def covering(self, day: int) -> int:
        """The index of the delivery that first reports a day up to `last_day`."""
        return bisect_left(self._ends, day)

    def end_of(self, delivery: int) -> int:
        """The last day that a delivery's export covers."""
        return self._ends[delivery]


@lru_cache(maxsize=65_536)
def _season(day: int) -> tuple[int, bool, float]:
    """Weekday (Monday 0), whether clinics are on holiday, and the winter wave (-1 to 1)."""
    when = date.fromordinal(day)
    month_day = (when.month, when.day)
    holiday = (8, 5) <= month_day <= (8, 25) or month_day >= (12, 22) or month_day <= (1, 6)
    return when.weekday(), holiday, cos(2 * pi * (when.timetuple().tm_yday - 20) / YEAR)


def working_day(day: int) -> int:
    """The day itself, or the Monday after a weekend."""
    weekday = _season(day)[0]
    return day if weekday < 5 else day + 7 - weekday


def day_before(day: int) -> int:
    """The last working day before a day."""
    weekday = _season(day)[0]
    return day - (3 if weekday == 0 else 2 if weekday == 6 else 1)


def clinic_day(rng: random.Random, day: int) -> int:
    """A working day; most visits in the August and Christmas holidays are postponed until after them."""
    if _season(day)[1] and rng.random() < 0.75:
        while _season(day)[1]:
            day += 1
        day += rng.randint(0, 9)
    return working_day(day)


def winter(day: int) -> float:
    """A yearly wave: 1 in late January, -1 in late July."""
    return _season(day)[2]
