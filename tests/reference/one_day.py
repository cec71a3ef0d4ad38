"""Random histories of one day: what one to four files say of it at sites whose keys the registry composes.

A file may hold several measurements of the day, cancel one by its value, in another unit, or without a value, cancel
what nobody sent, or send the day again. Values repeat often, so that most cancellations have something to take back.
"""

from __future__ import annotations

import random

from .cohort import Cohort
from .model import File, Site, Study

MONTHS = ("2023-06", "2023-07", "2023-08", "2023-09")
KEYS = {
    "lab_results": ("patient_id", "collected_at", "test_code"),
    "administrations": ("patient_id", "drug", "administered_on"),
    "clinical_events": ("patient_id", "event_type", "onset_date"),
}
RESULTS = (
    ("1.9", "10*9/L"),
    ("0.4", "10*9/L"),
    ("400", "/uL"),
    ("0.40", "10*9/L"),
    ("<0.5", "10*9/L"),
    ("coagulo", ""),
)


def days_of_several_measurements(patients: int = 150) -> Cohort:
    """Patients of a site that sends what is new and of one that sends everything, each with one day of its own."""
    rng = random.Random("one day")
    files: list[File] = []
    for site in ("delta", "snapshot"):
        names = [f"P{number:03d}" for number in range(patients)]
        charts = [{"patient_id": name, "birth_date": "1980-05-01", "sex": "F"} for name in names]
        rows: dict[tuple[str, str], list[dict[str, str]]] = {(month, entity): [] for month in MONTHS for entity in KEYS}
        for name in names:
            for entity in KEYS:
                for month in rng.sample(MONTHS, rng.randint(1, len(MONTHS))):
                    rows[month, entity] += _said(rng, entity, name)
        files += [_file(site, month, "patients", charts) for month in MONTHS]
        files += [_file(site, month, entity, said) for (month, entity), said in rows.items()]
    sites = {"delta": Site(keys=KEYS), "snapshot": Site(mode="snapshot", keys=KEYS)}
    return Cohort(0, tuple(files), Study(sites=sites))


def _said(rng: random.Random, entity: str, patient: str) -> list[dict[str, str]]:
    """What one file says of the day: measurements, cancellations, or both."""
    n_measured = rng.choice((0, 0, 1, 2, 3))
    n_cancelled = rng.choice((0, 0, 1, 2)) if n_measured else rng.choice((1, 1, 2))
    said = [_record(rng, entity, patient) for _ in range(n_measured)]
    for _ in range(n_cancelled):
        record = _record(rng, entity, patient) | {"status": "cancelled"}
        if rng.random() < 0.4:
            record |= {"value": "", "dose": "", "code": ""}
        if rng.random() < 0.2:
            record |= {"unit": ""}
        said.append(record)
    rng.shuffle(said)
    return said


def _record(rng: random.Random, entity: str, patient: str) -> dict[str, str]:
    status = {"status": rng.choice(("", "", "final"))}
    if entity == "lab_results":
        value, unit = rng.choice(RESULTS)
        day = {"collected_at": "2023-05-01", "test_code": "751-8", "specimen_id": rng.choice(("", "", "S"))}
        return {"patient_id": patient, "value": value, "unit": unit} | day | status
    if entity == "administrations":
        dose = rng.choice(("300", "300.0", "600", "", "0"))
        return {"patient_id": patient, "drug": "ocrelizumab", "administered_on": "2023-05-02", "dose": dose} | status
    code = rng.choice(("J18", "N39", ""))
    return {"patient_id": patient, "event_type": "infection", "onset_date": "2023-05-03", "code": code} | status


def _file(site: str, month: str, entity: str, rows: list[dict[str, str]]) -> File:
    return File(site, month, entity, f"{entity}.csv", tuple(rows))
