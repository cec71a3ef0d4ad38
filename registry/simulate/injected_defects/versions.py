"""Stories about a record's versions: corrected, repeated, contradicted, cancelled, re-coded."""

from __future__ import annotations

from dataclasses import replace

from registry.simulate.book import Record, Row
from registry.simulate.injected_defects.ground import ANC, Cells, InjectionSite
from registry.simulate.injected_defects.rows import Story, find, hold_back, plant

SENDS = ("treatments", "administrations", "lab_results", "clinical_events", "adjudications")
UNFOLLOWED = {"test_code": "1988-5", "test_name": "C-reactive protein", "unit": "mg/L", "value": "4.1"}
IN_GIGA: Cells = {"unit": "10*9/L", "reference_low": "1.80", "reference_high": "7.70"}
CLOTTED: Cells = {"value": "clotted", "status": "corrected"}


def chosen_record(ground: InjectionSite, entity: str, n_later: int) -> tuple[Record, list[int]] | None:
    """A record with one row, and `n_later` later deliveries in order."""
    record = find(ground, entity, ANC["test_code"] if entity == "lab_results" else "")
    if record is None:
        return None
    later = ground.after(entity, record.rows[0].delivery)
    if len(later) < n_later:
        record = ground.fresh(entity, delivery=ground.book.deliveries[0])
        later = ground.after(entity, record.rows[0].delivery) if record else []
    if record is None or len(later) < n_later:
        return None
    return record, sorted(ground.rng.sample(later, n_later))


def changed(row: Row) -> Cells:
    """Other sound content for the row."""
    if row.entity == "lab_results":
        value = "4.20" if row.cells["value"] != "4.20" else "4.40"
        return IN_GIGA | {"value": value, "status": "corrected"}
    return {"status": "corrected"}


def _any_entity(ground: InjectionSite) -> str:
    return ground.rng.choice(SENDS)


def corrected(ground: InjectionSite) -> bool:
    """A, then B in a later delivery."""
    chosen = chosen_record(ground, "lab_results", 1)
    if chosen is None:
        return False
    record, (later,) = chosen
    first = record.rows[0]
    first.disposition = "superseded"
    record.rows.append(ground.version(first, changed(first), later))
    return plant(ground, record)


def a_b_a(ground: InjectionSite) -> bool:
    """A correction that is reversed: two corrections, and A is current."""
    chosen = chosen_record(ground, "lab_results", 2)
    if chosen is None:
        return False
    record, (second, third) = chosen
    first = record.rows[0]
    wrong = ground.version(first, changed(first), second)
    record.rows += [wrong, ground.version(first, {}, third)]
    first.disposition = wrong.disposition = "superseded"
    return plant(ground, record)


def sent_again(ground: InjectionSite) -> bool:
    """The same row again in a later delivery."""
    chosen = chosen_record(ground, _any_entity(ground), 1)
    if chosen is None or ground.dialect.mode == "snapshot":
        return False  # at a site with snapshots this is normal
    record, (later,) = chosen
    again = ground.version(record.rows[0], {}, later)
    again.disposition = "duplicate"
    record.rows.append(again)
    return plant(ground, record)


def twice_in_file(ground: InjectionSite) -> bool:
    """The same row twice in one file."""
    record = find(ground, _any_entity(ground))
    if record is None:
        return False
    first = record.rows[0]
    again = ground.version(first, {}, first.delivery, is_next=True)
    again.disposition, again.carried = "duplicate", False
    record.rows.append(again)
    return plant(ground, record)


def conflict(form: str) -> Story:
    """Two contents of one key in one file: alone, in three rows, after a sound form, corrected later, or defective."""

    def story(ground: InjectionSite) -> bool:
        chosen = chosen_record(ground, "lab_results", 0 if form in ("alone", "three", "with_defect") else 1)
        if chosen is None:
            return False
        record, later = chosen
        first = record.rows[0]
        one = ground.version(first, {}, later[0]) if form == "after_sound" else first
        two = ground.version(one, changed(one), one.delivery, is_next=True)
        rows = [one, two]
        reasons = []
        if form == "three":
            rows.append(replace(one, order=one.order + 0.1))
        if form == "with_defect":
            two.cells = two.cells | CLOTTED
            reasons = ["non_numeric_value"]
        if not all(ground.holds(row.cells) for row in rows):
            return False
        for row in rows:
            hold_back(row, "conflicting_duplicate")
        hold_back(two, *reasons)
        if form == "after_sound":
            first.disposition, two.contested = "superseded", True
            rows.insert(0, first)
        elif form == "mended":
            rows.append(ground.version(first, IN_GIGA | {"status": "final", "value": "4.30"}, later[0]))
        record.rows = rows
        return plant(ground, record)

    return story


def cancelled(form: str) -> Story:
    """A cancelled record: with its cells, with only its key, in the same file, with a defective row, or resumed."""

    def story(ground: InjectionSite) -> bool:
        entity = _any_entity(ground)
        chosen = chosen_record(ground, entity, {"same_file": 0, "resumed": 2}.get(form, 1))
        if chosen is None or (form == "same_file" and ground.dialect.mode == "snapshot"):
            return False
        record, later = chosen
        first = record.rows[0]
        if form == "same_file":
            back = ground.version(first, {"status": "cancelled"}, first.delivery, is_next=True)
        else:
            back = ground.version(first, {"status": "cancelled"}, later[0])
        if form == "by_key":
            key = next(iter(first.cells))
            back.cells = {**dict.fromkeys(first.cells, ""), key: first.cells[key], "status": "cancelled"}
        if form == "rubbish":
            back.cells = back.cells | {"patient_id": "?"}
        first.disposition = "superseded"
        record.rows.append(back)
        if form == "resumed":
            back.disposition = "superseded"
            record.rows.append(ground.version(first, {"status": "corrected"}, later[1]))
        return plant(ground, record)

    return story


def became_text(ground: InjectionSite) -> bool:
    """A result that is later corrected to a text: the sample was clotted."""
    chosen = chosen_record(ground, "lab_results", 1)
    if chosen is None or not ground.holds(chosen[0].rows[0].cells | CLOTTED):
        return False
    record, (later,) = chosen
    first = record.rows[0]
    first.disposition = "superseded"
    record.rows.append(hold_back(ground.version(first, CLOTTED, later), "non_numeric_value", contested=True))
    return plant(ground, record)


def recoded(ground: InjectionSite) -> bool:
    """A count that turns out to be the result of a test that the registry does not follow."""
    chosen = chosen_record(ground, "lab_results", 1)
    if chosen is None:
        return False
    record, (later,) = chosen
    first = record.rows[0]
    foreign = ground.version(first, UNFOLLOWED | {"status": "corrected"}, later)
    first.disposition, foreign.disposition, foreign.contested = "superseded", "not_mapped", True
    record.rows.append(foreign)
    return plant(ground, record)


def unfollowed(form: str) -> Story:
    """A result that the registry does not follow: plain, without a value, of no patient, later a count, or from CSF."""

    def story(ground: InjectionSite) -> bool:
        changes = dict(UNFOLLOWED)
        if form == "bare":
            changes |= {"value": "", "unit": ""}
        elif form == "of_nobody":
            changes["patient_id"] = "SYN-0000000"
        elif form == "of_csf":  # the code of neutrophils, but not in blood
            changes = ANC | {"material": "csf", "value": "0", "unit": "/uL"}
        record = ground.fresh("lab_results", changes)
        if record is None:
            return False
        row = record.rows[0]
        row.disposition = "not_mapped"
        if form == "of_nobody":
            hold_back(row, "unknown_patient")
        elif form == "became_count":
            later = ground.after("lab_results", row.delivery)
            if not later:
                return False
            row.disposition = "superseded"
            record.rows.append(ground.version(row, ANC | {"value": "3.70", "status": "corrected"}, later[0]))
        return plant(ground, record)

    return story
