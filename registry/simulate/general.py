"""The general cohort's calendar, shared parameters and study settings, and the summary of a run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from registry.errors import UserError
from registry.simulate.cohort import Profile
from registry.simulate.days import DeliveryCalendar, month_number

_EARLIEST = 1997 * 12


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts of what was written."""

    out: Path
    study_id: str
    sites: tuple[str, ...]
    first_delivery: str
    last_delivery: str
    patients: int
    files: int
    rows: dict[str, int]
    """Rows by entity."""
    no_room_for: tuple[str, ...] = ()
    """Kinds of defects that could not be planted."""


def calendar_of(patients: int, months: int, end: str) -> DeliveryCalendar:
    """`months` monthly deliveries, the last one for `end`. Raises UserError for numbers below 1 or an invalid month."""
    if patients < 1 or months < 1:
        raise UserError(f"patients and months must be at least 1, got {patients} and {months}")
    last = month_number(end, what="the last delivery")
    if last - months + 1 < _EARLIEST:
        raise UserError(f"{months} months up to {end} begin before 1997, when anti-CD20 treatment began")
    return DeliveryCalendar(range(last - months + 1, last + 1))


def profile_of(calendar: DeliveryCalendar) -> Profile:
    """The shared parameters of the general cohort's patients."""
    return Profile(
        first_entry=calendar.first_day,
        last_entry=calendar.first_day + (calendar.last_day - calendar.first_day) * 7 // 10,
        end=calendar.last_day,
        mix=(
            ("ocrelizumab", 0.5),
            ("ofatumumab", 0.25),
            ("rituximab", 0.17),
            ("ublituximab", 0.08),
        ),
        never_treated=0.03,
        started_earlier=0.03,
        birth_missing=0.004,
        low_at_baseline=0.003,
    )


def study_of(study_id: str, calendar: DeliveryCalendar) -> dict[str, object]:
    """The content of registry.yml."""
    return {
        "study_id": study_id,
        "enrolment_start": date.fromordinal(calendar.first_day),
        "enrolment_end": date.fromordinal(calendar.last_day),
        "data_cutoff": date.fromordinal(calendar.last_day),
        "synthetic": True,
    }
