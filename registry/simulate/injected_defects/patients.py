"""Stories about whole patients: unknown, cancelled, contradicted, left out, dead, late. Each patient has only one."""

from __future__ import annotations

from registry.simulate.book import Record
from registry.simulate.days import iso
from registry.simulate.injected_defects.ground import Cells, InjectionSite
from registry.simulate.injected_defects.rows import hold_back, plant


def _leave_unknown(ground: InjectionSite, record: Record) -> bool:
    """Quarantine every row of a patient whose own row is not, or no longer, current."""
    ground.close(record.patient_id)
    for other in ground.book.of_patient[record.patient_id]:
        if other.entity != "patients":
            other.is_taken = True
            for row in other.rows:
                hold_back(row, "unknown_patient")
    return plant(ground, record)


def never_delivered(ground: InjectionSite) -> bool:
    """A patient who is missing from all patients files."""
    record = ground.quiet_patient()
    if record is None or len(ground.book.records["patients"]) < 2:
        return False
    _leave_unknown(ground, record)
    ground.book.remove(record)
    return True


def cancelled(ground: InjectionSite) -> bool:
    """A cancelled patient, who is not in the registry, whatever other rows there are."""
    record = ground.quiet_patient(lambda r: r.rows[-1].delivery < ground.last)
    if record is None:
        return False
    row = record.rows[-1]
    row.disposition = "superseded"
    record.rows.append(ground.version(row, {"status": "cancelled"}, ground.last))
    return _leave_unknown(ground, record)


def contradicted(ground: InjectionSite) -> bool:
    """A patient whose last version is two different rows in one file."""
    record = ground.quiet_patient()
    if record is None:
        return False
    one = record.rows[-1]
    other = "SPMS" if one.cells["ms_phenotype"] != "SPMS" else "PPMS"
    two = ground.version(one, {"ms_phenotype": other}, one.delivery, is_next=True)
    hold_back(one, "conflicting_duplicate")
    hold_back(two, "conflicting_duplicate", contested=len(record.rows) > 1)
    record.rows.append(two)
    return _leave_unknown(ground, record)


def unreadable(ground: InjectionSite) -> bool:
    """A patient whose only row can't be read."""
    damages = ground.damages()
    record = ground.quiet_patient(lambda r: len(r.rows) == 1) if damages else None
    if record is None:
        return False
    hold_back(record.rows[0], "malformed_row").damage = ground.rng.choice(damages)
    return _leave_unknown(ground, record)


def left_out_of_snapshot(ground: InjectionSite) -> bool:
    """A patient missing from the last snapshot, which still has the patient's results."""
    if ground.dialect.mode != "snapshot" or len(ground.book.records["patients"]) < 2:
        return False
    record = ground.quiet_patient(lambda r: r.rows[-1].delivery < ground.last)
    if record is None:
        return False
    record.absent = {ground.last}
    record.rows[-1].disposition = "superseded"
    return _leave_unknown(ground, record)


def late(ground: InjectionSite) -> bool:
    """A patient whose own row arrives one month after the first results."""

    def is_early(record: Record) -> bool:
        return record.rows[0].delivery < ground.last and record.entity == "patients"

    record = ground.quiet_patient(is_early)
    if record is None:
        return False
    first = record.rows[0]
    deliveries = ground.book.deliveries
    told = deliveries[deliveries.index(first.delivery) + 1]
    if len(record.rows) > 1 and record.rows[1].delivery == told:
        del record.rows[0]
    else:
        first.delivery = told
    ground.close(record.patient_id)
    return plant(ground, record)


def died(ground: InjectionSite) -> bool:
    """A patient with rows and dates after death."""
    end = ground.end_of(ground.last)
    record = ground.quiet_patient(lambda r: ground.last_day_of(r.patient_id) <= end - 3)
    if record is None:
        return False
    patient = record.patient_id
    death = ground.last_day_of(patient)
    after = iso(death + 2)
    changes: Cells = {
        "death_date": iso(death),
        "last_contact_date": after,
        "ms_onset_date": after,
        "status": "corrected",
    }
    row = record.rows[-1]
    if row.delivery == ground.last:
        row.cells = row.cells | changes
    else:
        row.disposition = "superseded"
        record.rows.append(row := ground.version(row, changes, ground.last))
    row.emptied = (("last_contact_date", "date_after_death"), ("ms_onset_date", "date_after_death"))
    for entity, column in (
        ("treatments", "start_date"),
        ("administrations", "administered_on"),
        ("lab_results", "collected_at"),
        ("clinical_events", "onset_date"),
    ):
        record_after = ground.fresh(entity, {column: after}, patient_id=patient, delivery=ground.last)
        if record_after is not None:
            hold_back(record_after.rows[0], "date_after_death")
            ground.add(record_after)
    for entity, start in (("treatments", "start_date"), ("clinical_events", "onset_date")):
        ended_after = ground.fresh(
            entity, {start: iso(death - 3), "end_date": after}, patient_id=patient, delivery=ground.last
        )
        if ended_after is not None:
            ended_after.rows[0].emptied = (("end_date", "date_after_death"),)
            ground.add(ended_after)
    ground.close(patient)
    return plant(ground, record)
