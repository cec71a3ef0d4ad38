"""Stories about one defect: a quarantined row, alone or with a sound one; an emptied cell; a line that can't be read.

A story is a function that plants itself in a hospital's ground and returns whether this was possible.
"""

from __future__ import annotations

from collections.abc import Callable

from registry.config.input_contract import ENTITIES
from registry.simulate.book import Record, Row
from registry.simulate.injected_defects.defects import CellDefect, RowDefect, Spot, spoil
from registry.simulate.injected_defects.ground import InjectionSite

Story = Callable[[InjectionSite], bool]
FORMS = ("alone", "last_word", "mended", "sent_again")


def hold_back(row: Row, *reasons: str, contested: bool = False) -> Row:
    """Mark a row as quarantined."""
    row.disposition, row.reasons, row.emptied = "quarantined", tuple(sorted({*row.reasons, *reasons})), ()
    row.contested = contested
    return row


def find(ground: InjectionSite, entity: str, test: str = "") -> Record | None:
    """An unused record with one row, or a new one if there is none. `test` restricts results to one test."""
    rare = entity in ("clinical_events", "adjudications")
    record = None
    if not rare or ground.rng.random() < 0.5:
        record = ground.pick(entity, lambda r: not test or r.rows[0].cells["test_code"] == test)
    if record is None and entity != "patients":
        return ground.fresh(entity, {"test_code": test} if test else None)
    if record is not None:
        ground.keep(record)
    return record


def plant(ground: InjectionSite, record: Record) -> bool:
    """Mark the record as used; add a new one to the book. If the site can't write it, nothing changes."""
    if not all(ground.holds(row.cells) for row in record.rows):
        ground.restore(record)
        return False
    if record in ground.book.of_patient[record.patient_id]:
        record.is_taken = True
    else:
        ground.add(record)
    return True


def forms_of(defect: RowDefect) -> tuple[str, ...]:
    """The forms with an unambiguous answer: a day after one delivery may be covered by the next one."""
    return FORMS[:-1] if "date_after_delivery" in defect.reasons else FORMS


def row_defect(defect: RowDefect, form: str) -> Story:
    """The defect in the record's only row (`alone`), after or before a sound row, or in two deliveries."""

    def story(ground: InjectionSite) -> bool:
        record = find(ground, defect.entity, defect.test)
        if record is None:
            return False
        first = record.rows[0]
        later = ground.after(defect.entity, first.delivery)
        if form != "alone" and not later:
            return False
        second = ground.rng.choice(later) if form != "alone" else first.delivery
        bad_in = second if form == "last_word" else first.delivery
        changes = spoil(defect.cells, Spot(ground, first.cells, bad_in))
        if changes is None:
            return False
        bad = hold_back(ground.version(first, changes, bad_in), *defect.reasons)
        if form == "alone":
            bad.order = first.order
            record.rows = [bad]
        elif form == "last_word":
            first.disposition, bad.contested = "superseded", True
            record.rows = [first, bad]
        elif form == "mended":
            bad.order = first.order
            record.rows = [bad, ground.version(first, {"status": "corrected"}, second)]
        else:
            bad.order = first.order
            again = hold_back(ground.version(bad, {}, second), *defect.reasons)
            record.rows = [bad, again]
        return plant(ground, record)

    return story


def cell_defect(defect: CellDefect) -> Story:
    """The defect in the last version of a record."""

    def story(ground: InjectionSite) -> bool:
        if defect.closes_patient:
            record = ground.quiet_patient()
        else:
            record = ground.pick(defect.entity, versions=True)
            if record is None and defect.entity != "patients":
                record = ground.fresh(defect.entity)
        if record is None:
            return False
        row = record.rows[-1]
        changes = spoil({defect.column: defect.content}, Spot(ground, row.cells, row.delivery))
        if changes is None:
            return False
        row.cells = row.cells | changes
        row.emptied = tuple((defect.column, reason) for reason in defect.reasons)
        if defect.closes_patient:
            ground.close(record.patient_id)
        return plant(ground, record)

    return story


def damaged_line(damage: str, entity: str) -> Story:
    """A line that can't be read, so that its record is unknown to the registry."""

    def story(ground: InjectionSite) -> bool:
        if damage not in ground.damages():
            return False
        record = ghost(ground) if entity == "patients" else find(ground, entity)
        if record is None:
            return False
        row = hold_back(record.rows[0], "malformed_row")
        row.damage = damage
        return plant(ground, record)

    return story


def missing_key(entity: str) -> Story:
    """A row without its key."""

    def story(ground: InjectionSite) -> bool:
        record = ghost(ground) if entity == "patients" else ground.fresh(entity)
        if record is None:
            return False
        changes = {ENTITIES[entity].key: ""}
        if entity == "administrations":
            changes["drug"] = "mysterimab"
        row = record.rows[0]
        row.cells = row.cells | changes
        hold_back(row, "missing_key", *(["unknown_drug"] if "drug" in changes else []))
        return plant(ground, record)

    return story


def ghost(ground: InjectionSite) -> Record | None:
    """A patients row of a patient without any other rows."""
    model = ground.patient()
    if model is None:
        return None
    patient_id = f"SYN-9{ground.next_number():06d}"
    ground.close(patient_id)
    record = ground.fresh("patients", patient_id=patient_id)
    if record is not None:
        kept = {column: model.rows[-1].cells[column] for column in ("birth_date", "sex", "ms_phenotype")}
        record.rows[0].cells = record.rows[0].cells | kept
    return record
