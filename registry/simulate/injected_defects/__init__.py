"""Deliveries as hospitals really send them: nine dialects, with every defect of the input contract planted on purpose.

`simulate_messy` writes them with an answer key. `ground.py` gives the places for defects, `defects.py` lists the
defects of a row, `rows.py`, `versions.py`, `arrivals.py` and `patients.py` define the stories (scenarios), `plant.py`
selects them, `answer_key.py` writes the expected disposition of each row.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from registry.simulate.book import SiteRows
from registry.simulate.cohort import simulate_patient
from registry.simulate.dialects import (
    DIALECTS,
    EXCEL,
    GZIPPED,
    ITALIAN,
    NATIVE,
    PARQUET,
    QUOTED,
    UTF16,
    WIDE,
    WINDOWS,
    Dialect,
)
from registry.simulate.folder import prepare
from registry.simulate.general import Summary, calendar_of, profile_of, study_of
from registry.simulate.injected_defects.answer_key import AnswerKey
from registry.simulate.injected_defects.ground import InjectionSite
from registry.simulate.injected_defects.plant import plant_all
from registry.simulate.render import deliver

__all__ = ["ENOUGH_MONTHS", "ENOUGH_PATIENTS", "simulate_messy"]

ENOUGH_PATIENTS, ENOUGH_MONTHS = 60, 6
"""A cohort of this size has room for every kind of defect."""

_TURNS: tuple[Dialect, ...] = (
    *(NATIVE, EXCEL, ITALIAN, WINDOWS, QUOTED, UTF16),
    *(GZIPPED, NATIVE, PARQUET, WIDE, ITALIAN, WINDOWS, QUOTED),
)
"""The hospitals of successive patients, large and small. A snapshot repeats all its rows, so that site is small."""


def simulate_messy(
    out: Path,
    *,
    patients: int = 1000,
    months: int = 24,
    seed: int = 0,
    end: str = "2025-03",
) -> Summary:
    """Write messy deliveries and `answer_key.json`, like `simulate` but with all rows in memory.

    The summary names the kinds of defects for which the cohort was too small.
    """
    calendar = calendar_of(patients, months, end)
    profile = profile_of(calendar)
    prepare(out, study_of(f"synthetic_messy_{seed}", calendar))
    books = {dialect.name: SiteRows(dialect, calendar) for dialect in DIALECTS}
    for patient in range(patients):
        rng = random.Random(f"{seed}:{patient}")
        dialect = _TURNS[patient % len(_TURNS)]
        deliver(rng, simulate_patient(rng, patient, dialect.site, profile), calendar, books[dialect.name])
    rng = random.Random(f"{seed}:messy")
    grounds = [InjectionSite(rng, book) for book in books.values() if book.records["patients"]]
    n_rows = sum(len(record.rows) for book in books.values() for records in book.records.values() for record in records)
    planted = plant_all(rng, grounds, n_rows)
    key = AnswerKey({"patients": patients, "months": months, "seed": seed, "end": end})
    rows, n_files = _write(out, (ground.book for ground in grounds), key)
    key.write(out, planted.n, planted.no_room)
    return Summary(
        out=out,
        study_id=f"synthetic_messy_{seed}",
        sites=tuple(sorted(ground.dialect.name for ground in grounds)),
        first_delivery=calendar.names[0],
        last_delivery=calendar.names[-1],
        patients=patients,
        files=n_files,
        rows=dict(rows),
        no_room_for=tuple(planted.no_room),
    )


def _write(out: Path, books: Iterable[SiteRows], key: AnswerKey) -> tuple[Counter[str], int]:
    """Write every book; returns the rows by entity, and the number of files."""
    n_rows: Counter[str] = Counter()
    n_files = 0
    for book in books:
        for written in book.write(out):
            key.add(written)
            n_rows[written.entity] += len(written.rows)
            n_files += 1
    return n_rows, n_files
