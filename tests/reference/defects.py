"""Every defect that the contract names, planted into files that were right before.

A planted row is a damaged copy of another, under a new key or under the copied row's own (so that
the key's last word is a bad one, or one file contradicts itself).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta

from .codes import SPREADSHEET_ERRORS
from .judge import last_day
from .model import KEYS, MALFORMED, REQUIRED, File

Cells = dict[str, str]


@dataclass(frozen=True)
class Spot:
    """Where a damaged copy of `row` goes."""

    rng: random.Random
    file: File
    row: Cells


Damage = Callable[[Spot], Cells]
DATE_COLUMN = {
    "treatments": "start_date",
    "administrations": "administered_on",
    "lab_results": "collected_at",
    "clinical_events": "onset_date",
    "adjudications": "onset_from",
}
CLINICAL = ("treatments", "administrations", "lab_results", "clinical_events")
DAMAGES: list[tuple[tuple[str, ...], Damage]] = []


def _damage(*entities: str) -> Callable[[Damage], Damage]:
    def register(damage: Damage) -> Damage:
        DAMAGES.append((entities, damage))
        return damage

    return register


def spoil(rng: random.Random, files: list[File]) -> list[File]:
    """Plant every kind of defect at least once where a fitting row exists, some several times."""
    spoiled = list(files)
    for entities, damage in DAMAGES * 2:
        fitting = [i for i, f in enumerate(files) if f.entity in entities and f.rows]
        if not fitting:
            continue
        place = rng.choice(fitting)
        file = files[place]
        planted = damage(Spot(rng, file, rng.choice(file.rows)))  # one defect a row, no more
        if planted.get(KEYS[file.entity]) and file.entity != "patients" and rng.random() < 0.7:
            planted[KEYS[file.entity]] += f"-bad{rng.randrange(10**6)}"
        if rng.random() < (0.8 if file.entity == "patients" else 0.3):
            _append(spoiled, replace(file, name=f"{file.entity}_z.csv", rows=(planted,)))
        else:
            rows = list(spoiled[place].rows)
            rows.insert(rng.randint(0, len(rows)), planted)
            spoiled[place] = replace(spoiled[place], rows=tuple(rows))
    return spoiled


def _append(files: list[File], file: File) -> None:
    """Let the rows be the month's last word, in a file that is read after the others."""
    for place, other in enumerate(files):
        if (other.site, other.delivery, other.name) == (file.site, file.delivery, file.name):
            files[place] = replace(other, rows=other.rows + file.rows)
            return
    files.append(file)


@_damage(*KEYS)
def _malformed(at: Spot) -> Cells:
    return {MALFORMED: at.rng.choice(("only one field", ",".join(["x"] * 40)))}


@_damage(*KEYS)
def _no_key(at: Spot) -> Cells:
    return at.row | {KEYS[at.file.entity]: at.rng.choice(("", "  "))}


@_damage(*CLINICAL, "adjudications")
def _required_missing(at: Spot) -> Cells:
    judged_elsewhere = (KEYS[at.file.entity], "unit", "test_code")
    columns = [c for c in REQUIRED[at.file.entity] if c not in judged_elsewhere]
    return at.row | {at.rng.choice(columns): ""}


@_damage("lab_results")
def _no_test_code(at: Spot) -> Cells:
    return at.row | {"test_code": "", "value": "1.1", "unit": "10*9/L"}


@_damage(*KEYS)
@_damage(*CLINICAL)
def _conflict(at: Spot) -> Cells:
    """The same key again with another content; `spoil` may rename it into a harmless row."""
    column = {"patients": "ms_phenotype", "lab_results": "test_name"}.get(at.file.entity, "status")
    now = at.row.get(column, "")
    return at.row | {column: at.rng.choice([c for c in ("RRMS", "final", "corrected") if c != now])}


@_damage(*KEYS)
def _error_of_a_spreadsheet(at: Spot) -> Cells:
    """In what names a record or a patient, or in a date."""
    columns = [c for c in (KEYS[at.file.entity], "patient_id", DATE_COLUMN.get(at.file.entity)) if c]
    return at.row | {at.rng.choice(columns): at.rng.choice(SPREADSHEET_ERRORS)}


@_damage("lab_results")
@_damage("lab_results")
def _error_in_a_result(at: Spot) -> Cells:
    error = at.rng.choice(SPREADSHEET_ERRORS)
    told = {"value": "1.1", "unit": "10*9/L"}
    return at.row | at.rng.choice(({"value": error}, {"specimen_id": error}, {**told, "test_code": error}))


@_damage(*CLINICAL, "adjudications")
def _bad_date(at: Spot) -> Cells:
    return at.row | {DATE_COLUMN[at.file.entity]: at.rng.choice(("2024-02-30", "31/12/2023", "soon"))}


@_damage("clinical_events", "adjudications", *CLINICAL)
def _bad_code(at: Spot) -> Cells:
    column = {"clinical_events": "event_type", "adjudications": "verdict"}.get(at.file.entity, "status")
    return at.row | {column: "unheard_of"}


@_damage("treatments", "administrations")
def _unknown_drug(at: Spot) -> Cells:
    return at.row | {"drug": "zzmab"}


@_damage(*CLINICAL, "adjudications")
def _unknown_patient(at: Spot) -> Cells:
    return at.row | {"patient_id": "NOBODY"}


@_damage(*CLINICAL)
def _too_late(at: Spot) -> Cells:
    day = last_day(at.file.delivery) + timedelta(days=at.rng.choice((1, 40)))
    return at.row | {DATE_COLUMN[at.file.entity]: day.isoformat()}


@_damage(*CLINICAL)
def _too_early(at: Spot) -> Cells:
    return at.row | {DATE_COLUMN[at.file.entity]: "1949-12-31"}


@_damage("patients")
@_damage("patients")
def _dies_early(at: Spot) -> Cells:
    """A death before what is told of the patient: under the same id, in the same file or alone."""
    death = date(2022, 1, 1) + timedelta(days=at.rng.randrange(400))
    return at.row | {"death_date": min(death, last_day(at.file.delivery)).isoformat()}


@_damage("adjudications")
@_damage("adjudications")
def _span_reversed(at: Spot) -> Cells:
    return at.row | {"onset_from": "2023-05-02", "onset_to": "2023-05-01"}


@_damage("treatments")
@_damage("treatments")
def _bad_end(at: Spot) -> Cells:
    after = last_day(at.file.delivery) + timedelta(days=1)
    bad = at.rng.choice(("2001-01-01", "never", "1996-13", after.isoformat()))
    return at.row | {"end_date": bad, "end_reason": at.rng.choice(("", "bored"))}


@_damage("administrations")
@_damage("administrations")
def _bad_dose(at: Spot) -> Cells:
    """A text for a dose, and a last day that is none; of a G-CSF, for it is read of these alone."""
    after = last_day(at.file.delivery) + timedelta(days=1)
    bad = at.rng.choice(("2001-01-01", "2023-06", "never", after.isoformat()))
    return at.row | {"drug": "filgrastim", "dose": "half", "administered_until": bad}


@_damage("adjudications")
def _reviewed_later(at: Spot) -> Cells:
    return at.row | {"reviewed_on": (last_day(at.file.delivery) + timedelta(days=1)).isoformat()}


@_damage("patients")
@_damage("patients")
def _bad_cells(at: Spot) -> Cells:
    """Cells of a patients row that are emptied (in conflict with it, or cancelled before it)."""
    after = (last_day(at.file.delivery) + timedelta(days=1)).isoformat()
    return at.row | at.rng.choice(
        (
            {"sex": "Q"},
            {"sex": "Donna"},
            {"sex": "m."},
            {"sex": "Hombre"},
            {"sex": "2"},
            {"sex": "n.p."},
            {"sex": "F^Male"},
            {"duffy_null": "perhaps"},
            {"birth_date": "1980-13"},
            {"ms_phenotype": "?"},
            {"death_date": after},
            {"last_contact_date": after},
            {"last_contact_date": "1901-01-01"},
            {"ms_onset_date": "1901-01-01"},
            {"status": "unheard_of"},
        )
    )


@_damage(*CLINICAL)
@_damage("patients")
def _cancelled(at: Spot) -> Cells:
    """Needs its key alone: whatever else the row says is not judged."""
    return at.row | {"status": "cancelled"} | ({"drug": "zzmab"} if "drug" in at.row else {})


def _of_results(cells: Cells) -> None:
    def damage(at: Spot) -> Cells:
        return at.row | cells

    _damage("lab_results")(damage)
    _damage("lab_results")(damage)


COUNT = {"test_code": "751-8", "unit": "10*9/L", "value": "1.1"}
SHARE = {"test_code": "770-8", "unit": "%", "value": "40"}
for _cells in (
    COUNT | {"value": "1,5"},
    COUNT | {"value": "haemolysed"},
    COUNT | {"value": "-0.4"},
    COUNT | {"unit": ""},
    COUNT | {"unit": "", "value": "0"},
    COUNT | {"unit": "", "value": "0.00"},
    COUNT | {"unit": "bananas"},
    COUNT | {"unit": "g/L"},
    COUNT | {"unit": "mmol/L"},
    COUNT | {"unit": "%"},
    SHARE | {"unit": "10*9/L", "value": "0.4"},
    COUNT | {"value": "100.1"},
    COUNT | {"value": "100"},
    COUNT | {"value": "0.9", "unit": "/uL"},
    COUNT | {"value": "99.5", "unit": "cells/uL"},
    COUNT | {"value": "99", "unit": "cells/uL"},
    COUNT | {"value": "6.2", "unit": "/mm3", "test_code": "6690-2"},
    COUNT | {"value": "1000.5", "test_code": "6690-2"},
    COUNT | {"value": "0.0345"},
    COUNT | {"value": "0.0349999998"},
    COUNT | {"value": "250", "unit": "/L"},
    COUNT | {"value": "<0.0005"},
    COUNT | {"value": "0.006037", "test_code": "6690-2"},
    COUNT | {"value": "1.1", "unit": "/uL", "test_code": "26507-4"},
    COUNT | {"value": "0.0012", "test_code": "731-0"},
    COUNT | {"value": "0.0765", "test_code": "777-3"},
    COUNT | {"reference_low": "0.0018"},
    SHARE | {"value": "100.5"},
    COUNT | {"reference_low": "see comment"},
    COUNT | {"test_code": "99999-9"},
    COUNT | {"test_code": "99999-9", "unit": "", "value": ""},
    COUNT | {"test_code": "99999-9", "patient_id": "NOBODY"},
    COUNT | {"collected_at": "2023-03-26T23:30:00Z"},
    COUNT | {"material": "Liquor", "value": "0"},
    COUNT | {"material": "siero", "unit": "", "value": "traces"},
    COUNT | {"material": "tube 7"},
    COUNT | {"material": "BLD^Urine^L"},
    COUNT | {"material": "BLD^Blood^HL70487"},
    COUNT | {"material": "tube 7", "test_code": "99999-9"},
    COUNT | {"test_code": "751-8^Neutrophils^LN"},
    COUNT | {"test_code": "LOINC:751\u20138"},
    COUNT | {"test_code": "\u200b\uff17\uff15\uff11-8"},
    COUNT | {"value": "0.4 L"},
    COUNT | {"value": "* 0.4"},
    COUNT | {"value": "HAEMOL*"},
    COUNT | {"value": "-0.4 *"},
    COUNT | {"value": "0.4 *", "reference_low": "1.8 L"},
    COUNT | {"test_code": "NEU", "unit": "%", "value": "40"},
    COUNT | {"test_code": "NEU", "unit": "g/L"},
    COUNT | {"test_code": "neu ", "unit": ""},
    COUNT | {"test_code": "NEU", "unit": "bananas"},
    COUNT | {"test_code": "NEU", "unit": "", "material": "CSF"},
    COUNT | {"test_code": "GB", "unit": ""},
    COUNT | {"status": "annullato"},
    COUNT | {"status": "Canceled", "value": ""},
    COUNT | {"status": "not_given"},
    COUNT | {"value": "n.p."},
    COUNT | {"collected_at": "n.p."},
):
    _of_results(_cells)


@_damage("lab_results")
@_damage("lab_results")
def _taken_back(at: Spot) -> Cells:
    """The laboratory's later word on a result is a text."""
    return at.row | {"value": "cancelled by laboratory", "status": "corrected"}
