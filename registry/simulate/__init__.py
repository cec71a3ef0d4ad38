"""Synthetic deliveries: realistic exports of patients who do not exist.

`simulate` writes a cohort of any size, `simulate_udine` one with the shape of the Udine series,
`injected_defects.simulate_messy` one as hospitals really send it, with an answer key. Files depend only on the
arguments, byte for byte. Nothing outside this package uses the figures from which the patients are drawn.

`published.py` has those figures; `cohort.py`, `general.py` and `udine.py` define the patients; `treatment.py`,
`neutropenia.py` and `sampling.py` what happens to them; `sites.py`, `panels.py` and `render.py` what a hospital
exports; `writer.py` where it goes. `dialects.py`, `spelling.py`, `site_files.py` and `workbook.py` write the rows of a
`book.py` in one hospital's format.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

from registry.simulate import udine
from registry.simulate.cohort import simulate_patient
from registry.simulate.days import DeliveryCalendar, month_number
from registry.simulate.folder import prepare
from registry.simulate.general import Summary, calendar_of, profile_of, study_of
from registry.simulate.history import History
from registry.simulate.render import deliver
from registry.simulate.sites import sites_open_to
from registry.simulate.writer import DeliveryWriter

__all__ = ["Summary", "simulate", "simulate_udine"]

Progress = Callable[[int, int], None]
"""Called with the number of patients done and the total."""

_REPORT_EVERY = 500


def simulate(
    out: Path,
    *,
    patients: int = 1000,
    months: int = 24,
    seed: int = 0,
    end: str = "2025-03",
    progress: Progress | None = None,
) -> Summary:
    """Write `months` monthly deliveries of `patients` patients, the last one for month `end`.

    Patient number n is the same in a cohort of any size. Memory use grows with neither number.
    Raises UserError for numbers below 1, an invalid month, or a folder with other data.
    """
    calendar = calendar_of(patients, months, end)
    profile = profile_of(calendar)

    def histories() -> Iterator[tuple[random.Random, History]]:
        for patient in range(patients):
            rng = random.Random(f"{seed}:{patient}")
            site = rng.choice(sites_open_to(patient))
            yield rng, simulate_patient(rng, patient, site, profile)

    return _write(out, study_of(f"synthetic_{seed}", calendar), calendar, histories(), patients, progress)


def simulate_udine(out: Path, *, seed: int = 171) -> Summary:
    """Write the deliveries of a cohort with the shape of the Udine series, for any seed.

    Raises UserError for a folder with other data.
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
