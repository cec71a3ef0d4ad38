"""Stories about rows and files that arrive late or twice, or disappear."""

from __future__ import annotations

from dataclasses import replace

from registry.simulate.injected_defects.ground import InjectionSite
from registry.simulate.injected_defects.rows import Story, hold_back, plant
from registry.simulate.injected_defects.versions import changed, chosen_record


def withdrawn(form: str) -> Story:
    """A key missing from a later snapshot: `gone` for good, `held_back` (quarantined) before that, or `returned`."""

    def story(ground: InjectionSite) -> bool:
        chosen = chosen_record(ground, "lab_results", 2) if ground.dialect.mode == "snapshot" else None
        if chosen is None:
            return False
        record, (second, third) = chosen
        first = record.rows[0]
        first.disposition = "superseded"
        deliveries = ground.book.deliveries
        if form == "returned":
            record.absent = {n for n in deliveries if second <= n < third}
            record.rows.append(ground.version(first, {}, third))
        else:
            record.absent = {n for n in deliveries if n >= second}
        if form == "held_back":
            first.cells = first.cells | {"value": "clotted"}
            hold_back(first, "non_numeric_value")
        return plant(ground, record)

    return story


def old_form_late(ground: InjectionSite) -> bool:
    """A file of an early month that arrives late, with an earlier form of a known row."""
    chosen = chosen_record(ground, "lab_results", 1) if ground.dialect.mode == "delta" else None
    if chosen is None:
        return False
    record, (later,) = chosen
    old = record.rows[0]
    new = ground.version(old, changed(old), later)
    old.part, old.disposition = "late", "superseded"
    record.rows.append(new)
    return plant(ground, record)


def file_again(ground: InjectionSite) -> bool:
    """A whole file again, under another name in a later month: all its rows are duplicates."""
    if ground.dialect.mode == "snapshot":
        return False
    for delivery in ground.rng.sample(ground.book.deliveries[:-1], len(ground.book.deliveries) - 1):
        records = [r for r in ground.book.records["administrations"] if any(row.delivery == delivery for row in r.rows)]
        later = ground.after("administrations", delivery)
        if not records or not later or any(r.is_taken or len(r.rows) > 1 for r in records):
            continue
        ground.close_file("administrations", delivery)
        for record in records:
            row = record.rows[0]
            record.rows.append(replace(row, delivery=later[0], part="again", disposition="duplicate"))
            record.is_taken = True
        return True
    return False
