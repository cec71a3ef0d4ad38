"""The ground for stories: one hospital's book, with the records and patients that no story has used yet.

A record is part of at most one story, and a patient whose own row changes is part of only that story, so that the
answers are independent.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import date

from registry.config.input_contract import ENTITIES
from registry.simulate.book import Record, Row, SiteRows
from registry.simulate.days import iso
from registry.simulate.dialects import Dialect
from registry.simulate.site_files import can_hold, damages_of
from registry.simulate.spelling import DAYS, TIMES

Cells = dict[str, str]
ANC = {"test_code": "751-8", "test_name": "Neutrophils", "unit": "10*9/L"}
_DATES = DAYS | TIMES


def _any_record(_: Record) -> bool:
    return True


class InjectionSite:
    """One hospital's rows with a random generator; chooses only records that are still unused."""

    def __init__(self, rng: random.Random, book: SiteRows) -> None:
        self.rng = rng
        self.book = book
        self._closed: set[str] = set()
        self._closed_files: set[tuple[str, int]] = set()
        self._n_fresh = 0
        self._kept: tuple[Record, list[Row]] | None = None

    @property
    def dialect(self) -> Dialect:
        """The dialect of this hospital."""
        return self.book.dialect

    @property
    def last(self) -> int:
        """The last delivery."""
        return self.book.deliveries[-1]

    def end_of(self, delivery: int) -> int:
        """The last day of a delivery."""
        return self.book.calendar.end_of(delivery)

    def after(self, entity: str, delivery: int) -> list[int]:
        """Later deliveries whose file of this entity may still change."""
        return [n for n in self.book.deliveries if n > delivery and (entity, n) not in self._closed_files]

    def damages(self) -> tuple[str, ...]:
        """The damages that a line can have here."""
        return damages_of(self.dialect)

    def holds(self, cells: Cells) -> bool:
        """Whether a row with these cells can be written here."""
        return can_hold(self.dialect, cells)

    # Choosing

    def pick(
        self, entity: str, fits: Callable[[Record], bool] = _any_record, *, versions: bool = False
    ) -> Record | None:
        """An unused record, with one row unless `versions`, of a living patient who is not reserved for a story."""
        records = self.book.records[entity]
        for offset in self._offsets(len(records)):
            record = records[offset]
            if record.is_taken or record.patient_id in self._closed or self.has_died(record.patient_id):
                continue
            if (versions or len(record.rows) == 1) and fits(record):
                return record
        return None

    def _offsets(self, size: int) -> list[int]:
        """Positions in random order; if there are many, those after a random one, because most records are unused."""
        if size > 500:
            start = self.rng.randrange(size)
            return [(start + step) % size for step in range(size)]
        return self.rng.sample(range(size), size)

    def quiet_patient(self, fits: Callable[[Record], bool] = _any_record) -> Record | None:
        """The patients record of a living patient without a story; None if few are left."""
        if 2 * len(self._closed) >= len(self.book.records["patients"]):
            return None

        def is_quiet(record: Record) -> bool:
            return fits(record) and not any(other.is_taken for other in self.book.of_patient[record.patient_id])

        return self.pick("patients", is_quiet, versions=True)

    def patient(self) -> Record | None:
        """The patients record of a patient to whom rows may be added, used or not."""
        records = [
            record
            for record in self.book.records["patients"]
            if record.rows[-1].disposition == "current"
            and not record.rows[-1].is_cancelled
            and record.patient_id not in self._closed
            and not self.has_died(record.patient_id)
        ]
        return self.rng.choice(records) if records else None

    def has_died(self, patient_id: str) -> bool:
        """Whether any version has the patient's death."""
        return any(row.cells.get("death_date") for row in self.patient_rows(patient_id))

    def patient_rows(self, patient_id: str) -> list[Row]:
        """The versions of a patient's own row."""
        return [
            row for record in self.book.of_patient[patient_id] if record.entity == "patients" for row in record.rows
        ]

    def birth_year(self, patient_id: str) -> int | None:
        """The patient's year of birth, if known."""
        rows = self.patient_rows(patient_id)
        return int(rows[-1].cells["birth_date"][:4]) if rows and rows[-1].cells["birth_date"] else None

    def last_day_of(self, patient_id: str) -> int:
        """The last day with any record of the patient."""
        days = [
            date.fromisoformat(row.cells[column][:10]).toordinal()
            for record in self.book.of_patient[patient_id]
            for row in record.rows
            for column in _DATES & row.cells.keys() - {"birth_date"}
            if row.cells[column]
        ]
        return max(days)

    # Changing

    def next_number(self) -> int:
        """A number that no planted record has yet."""
        self._n_fresh += 1
        return self._n_fresh

    def close(self, patient_id: str) -> None:
        """Allow no further story for this patient."""
        self._closed.add(patient_id)

    def keep(self, record: Record) -> None:
        """Save a record as it is, in case its story turns out to be impossible."""
        self._kept = record, [replace(row) for row in record.rows]

    def restore(self, record: Record) -> None:
        """Restore the rows of the record saved last."""
        if self._kept is not None and self._kept[0] is record:
            record.rows, record.absent = self._kept[1], set()

    def close_file(self, entity: str, delivery: int) -> None:
        """Allow no further row in this file."""
        self._closed_files.add((entity, delivery))

    def add(self, record: Record) -> Record:
        """Add a story's record to the book."""
        record.is_taken = True
        return self.book.add(record)

    def version(self, row: Row, changes: Cells, delivery: int, *, is_next: bool = False) -> Row:
        """A sound row like `row` with other cells in another delivery; `is_next`: directly after it in its file."""
        order = row.order + 0.25 if is_next else self.book.next_order()
        return replace(
            row,
            cells=row.cells | changes,
            delivery=delivery,
            order=order,
            disposition="current",
            reasons=(),
            emptied=(),
        )

    def fresh(
        self, entity: str, changes: Cells | None = None, *, patient_id: str = "", delivery: int | None = None
    ) -> Record | None:
        """A sound record of a patient here, not yet in the book; None if there is no patient."""
        if not patient_id:
            somebody = self.patient()
            if somebody is None:
                return None
            patient_id = somebody.patient_id
        open_for = [n for n in self.book.deliveries if (entity, n) not in self._closed_files]
        if delivery is None:
            # Not in the last delivery if there are others: many stories continue in a later one.
            delivery = self.rng.choice(open_for[:-1] or open_for)
        elif delivery not in open_for:
            return None
        number = self.next_number()
        day = self.end_of(delivery) - self.rng.randint(1, 20)
        cells = dict.fromkeys(ENTITIES[entity].columns, "") | {
            ENTITIES[entity].key: f"{patient_id}-{entity[0].upper()}X{number}",
            "patient_id": patient_id,
            "status": "final",
        }
        cells |= _sound(entity, day, f"{patient_id}-SX{number}") | (changes or {})
        return Record(entity, patient_id, [Row(entity, cells, delivery, self.book.next_order())])


def _sound(entity: str, day: int, specimen: str) -> Cells:
    """Cells of a realistic row of an entity on a day, without key, patient and status."""
    if entity == "treatments":
        return {"drug": "teriflunomide", "start_date": iso(day)}
    if entity == "administrations":
        return {"drug": "filgrastim", "administered_on": iso(day), "dose": "300", "dose_unit": "ug", "route": "SC"}
    if entity == "lab_results":
        return ANC | {"specimen_id": specimen, "value": "3.90", "collected_at": f"{iso(day)}T08:10:00"}
    if entity == "clinical_events":
        return {"event_type": "infection", "onset_date": iso(day), "code": "J06.9", "description": "cold"}
    if entity == "adjudications":
        return {
            "onset_from": iso(day - 9),
            "onset_to": iso(day - 3),
            "verdict": "confirmed",
            "reviewed_on": iso(day),
            "reviewer_role": "neurologist",
        }
    return {}
