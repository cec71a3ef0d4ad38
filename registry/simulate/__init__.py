"""Synthetic deliveries: believable exports of patients who do not exist.

`simulate` writes a cohort of any size, `simulate_udine` one with the shape of the Udine series. A
file depends on the arguments alone, byte for byte. Nothing outside this package knows the figures
the patients were drawn from.

`published.py` holds those figures; `cohort.py` and `udine.py` say who the patients are;
`treatment.py`, `neutropenia.py` and `sampling.py` what happens to them; `sites.py`, `panels.py` and
`render.py` how a hospital exports it; `writer.py` where it goes.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from registry.errors import UserError
from registry.simulate import udine
from registry.simulate.cohort import Profile, live
from registry.simulate.days import DeliveryCalendar, month_number
from registry.simulate.folder import prepare
from registry.simulate.history import History
from registry.simulate.render import deliver
from registry.simulate.sites import sites_open_to
from registry.simulate.writer import DeliveryWriter

__all__ = ["Summary", "simulate", "simulate_udine"]

Progress = Callable[[int, int], None]
"""Called with patients done and patients in all."""

_REPORT_EVERY = 500
_EARLIEST = 1997 * 12


@dataclass(frozen=True, slots=True)
class Summary:
    """What was written: counts only."""

    out: Path
    study_id: str
    sites: tuple[str, ...]
    first_delivery: str
    last_delivery: str
    patients: int
    files: int
    rows: dict[str, int]
    """Rows by entity."""


def simulate(
    out: Path,
    *,
    patients: int = 1000,
    months: int = 24,
    seed: int = 0,
    end: str = "2025-03",
    progress: Progress | None = None,
) -> Summary:
    """Write `months` monthly deliveries, the last of them `end`, of `patients` patients.

    Patient number n is the same in a cohort of any size. Memory does not grow with either number.
    Raises UserError for numbers below 1, a month that is none, or a folder that holds other data.
    """
    if patients < 1 or months < 1:
        raise UserError(f"patients and months must be at least 1, not {patients} and {months}")
    last = month_number(end, what="the last delivery")
    if last - months + 1 < _EARLIEST:
        raise UserError(f"{months} months to {end} begin before anti-CD20 treatment did, in 1997")
    calendar = DeliveryCalendar(range(last - months + 1, last + 1))
    profile = Profile(
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

    def histories() -> Iterator[tuple[random.Random, History]]:
        for patient in range(patients):
            rng = random.Random(f"{seed}:{patient}")
            site = rng.choice(sites_open_to(patient))
            yield rng, live(rng, patient, site, profile)

    study = {
        "study_id": f"synthetic_{seed}",
        "enrolment_start": date.fromordinal(calendar.first_day),
        "enrolment_end": date.fromordinal(calendar.last_day),
        "data_cutoff": date.fromordinal(calendar.last_day),
        "synthetic": True,
    }
    return _write(out, study, calendar, histories(), patients, progress)


def simulate_udine(out: Path, *, seed: int = 171) -> Summary:
    """Write the deliveries of a cohort with the shape of the Udine series, for any seed.

    Raises UserError for a folder that holds other data.
    """
    calendar = DeliveryCalendar([month_number(name, what="a delivery") for name in udine.DELIVERIES])
    study = {
        "study_id": "udine_synthetic",
        "enrolment_start": udine.ENROLMENT_START,
        "enrolment_end": udine.ENROLMENT_END,
        "data_cutoff": udine.DATA_CUTOFF,
        "time_zone": "Europe/Rome",
        "synthetic": True,
    }
    return _write(out, study, calendar, udine.patients(seed), udine.PATIENTS, None)


def _write(
    out: Path,
    study: dict[str, object],
    calendar: DeliveryCalendar,
    histories: Iterator[tuple[random.Random, History]],
    patients: int,
    progress: Progress | None,
) -> Summary:
    prepare(out, study)
    writer = DeliveryWriter(out, calendar.names)
    for done, (rng, history) in enumerate(histories, 1):
        deliver(rng, history, calendar, writer)
        if progress is not None and (done % _REPORT_EVERY == 0 or done == patients):
            progress(done, patients)
    writer.flush()
    return Summary(
        out=out,
        study_id=str(study["study_id"]),
        sites=writer.sites,
        first_delivery=calendar.names[0],
        last_delivery=calendar.names[-1],
        patients=patients,
        files=writer.n_files,
        rows=writer.rows,
    )
