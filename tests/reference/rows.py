"""Which row is current, what becomes of every other one, and the charts made of current rows.

Each row of each file ends with exactly one status; `settle` gives it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from . import codes, words
from .cancellations import take_back
from .judge import Row, judge_clinical, judge_identity, judge_patient, meant_test, rows_of
from .keys import compose, dropped
from .model import (
    KEYS,
    Adjudication,
    Administration,
    Chart,
    Event,
    File,
    Lab,
    Line,
    Patient,
    Site,
    Study,
)
from .open_rows import mark_open

ENDED_UNKNOWN = ("unparseable_date", "end_before_start")
"""Defects of an end that say that the line is over, not when."""


@dataclass
class Intake:
    """All rows with their fate, contested keys, and the charts by (site, patient_id)."""

    rows: list[Row] = field(default_factory=list)
    contested: list[dict[str, object]] = field(default_factory=list)
    charts: dict[tuple[str, str], Chart] = field(default_factory=dict)


def take_in(files: Sequence[File], study: Study) -> Intake:
    """Judge and settle every row of every file, then chart the current ones."""
    intake = Intake()
    for site_name in sorted({f.site for f in files}):
        of_site = [f for f in files if f.site == site_name]
        _take_in_site(intake, site_name, of_site, study.site(site_name))
    return intake


def _take_in_site(intake: Intake, name: str, files: list[File], site: Site) -> None:
    patients: dict[str, Patient] = {}
    site = replace(site, m_is_ambiguous=words.makes_m_ambiguous(files))
    for entity in KEYS:  # patients first: the others are judged against the current ones
        of_entity = sorted((f for f in files if f.entity == entity), key=lambda f: (f.delivery, f.name))
        rows: list[Row] = []
        bases: dict[str, str] = {}
        for file in of_entity:
            of_file = rows_of(file, site)
            if entity in site.keys:
                bases |= compose(of_file, site.keys[entity])
            rows += of_file
        held = take_back(rows, bases, site)
        for row in rows:
            if judge_identity(row):
                continue
            if entity == "patients":
                judge_patient(row, site)
            else:
                judge_clinical(row, patients, site)
        _hold_conflicts(rows)
        snapshots = {f.delivery for f in of_entity} if site.mode == "snapshot" else set()
        gone = dropped(rows, bases)
        intake.contested += settle(rows, snapshots, gone | held)
        mark_open(rows, snapshots, gone - held)
        intake.rows += rows
        current = [r for r in rows if r.status == "current" and not r.cancelled]
        if entity == "patients":
            patients = {r.key: _patient(r, site) for r in current}
            intake.charts |= {(name, p.patient_id): Chart(name, p) for p in patients.values()}
        else:
            for row in current:
                _chart(row, intake.charts[name, row.cells["patient_id"]], site)


def _hold_conflicts(rows: Iterable[Row]) -> None:
    """The same key twice in one file with different content holds all of them back."""
    groups: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for row in rows:
        if not row.malformed and row.key and not row.cancelled:
            groups[row.delivery, row.file, row.key].append(row)
    for group in groups.values():
        if any(row.cells != group[0].cells for row in group):
            for row in group:
                row.hold("conflicting_duplicate")


def settle(rows: Sequence[Row], snapshots: set[str], dropped: Collection[str] = ()) -> list[dict[str, object]]:
    """Give every row its status; return the contested keys.

    `rows` are one site's and entity's, in order of delivery, file name and record number.
    `snapshots` are the deliveries that hold everything of that entity: none for deltas. `dropped` are keys of
    measurements of a day that a later file holds no more, or that an unclear cancellation may mean.
    """
    by_key: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row.reasons:
            row.status = "quarantined"
        if not row.malformed and row.key:
            by_key[row.key].append(row)

    contested: list[dict[str, object]] = []
    for key, history in by_key.items():
        versions: list[Row] = []  # neither quarantined nor duplicate
        for before, row in zip([None, *history], history, strict=False):
            if row.reasons:
                continue
            repeats = before is not None and not before.reasons and before.cells == row.cells
            if repeats and before and not _absent_between(before, row, snapshots):
                row.status = "duplicate"
            else:
                versions.append(row)
        for row in versions:
            row.status = "superseded"
        last = history[-1]
        if any(delivery > last.delivery for delivery in snapshots):
            continue  # withdrawn
        not_mapped = bool(versions) and versions[-1].not_mapped
        is_dropped = key in dropped
        if versions and not last.reasons and not is_dropped:
            versions[-1].status = "not_mapped" if not_mapped else "current"
        if last.reasons or not_mapped or (is_dropped and not versions[-1].cancelled):
            usable = any(not (v.not_mapped or v.cancelled) for v in versions)
            contested.append(
                {
                    "site": last.site,
                    "entity": last.entity,
                    "key": key,
                    "state": "quarantined" if last.reasons else "superseded" if is_dropped else "not_mapped",
                    "reasons": tuple(sorted(last.reasons)),
                    "had_usable_version": usable,
                }
            )
    return contested


def _absent_between(before: Row, row: Row, snapshots: set[str]) -> bool:
    return any(before.delivery < delivery < row.delivery for delivery in snapshots)


def _patient(row: Row, site: Site) -> Patient:
    return Patient(
        row.key,
        _first_day(row, "birth_date", site),
        _code(row, "sex", site),
        _code(row, "ms_phenotype", site),
        _contact(row, site),
        _last_day(row, "death_date", site),
        {"true": True, "false": False}.get(_code(row, "duffy_null", site) or ""),
    )


def _code(row: Row, column: str, site: Site) -> str | None:
    """What the word of a coded cell means; None where it is blank or was emptied."""
    text = row.text(column)
    return words.resolve(column, text, site) if text else None


def _chart(row: Row, chart: Chart, site: Site) -> None:
    """Add a current row to its patient's chart."""
    cells = row.cells
    if row.entity == "treatments":
        start = codes.read_period(cells["start_date"], site)
        drug = codes.resolve_drug(cells["drug"], site)
        assert start
        assert drug
        end = codes.read_period(row.text("end_date"), site)
        reason = _code(row, "end_reason", site)
        if ("end_date", "date_after_death") in row.emptied:  # read as open, as every end after the observation is
            reason = None
        unknown = any(("end_date", defect) in row.emptied for defect in ENDED_UNKNOWN)
        first, last = end or (None, None)
        death = chart.patient.death
        if last and death:  # the end contains the death
            last = min(last, death)
        chart.lines.append(Line(row.key, drug, start[0], last, reason, start[1], first, unknown))
    elif row.entity == "administrations":
        day = codes.read_date(cells["administered_on"], site)
        drug = codes.resolve_drug(cells["drug"], site)
        assert day
        assert drug
        if nothing_given(row, site):
            return
        until = codes.read_date(row.text("administered_until"), site) if codes.is_gcsf(cells["drug"], site) else None
        chart.administrations.append(Administration(drug, day, until or day))
    elif row.entity == "lab_results":
        chart.labs.append(_lab(row, site))
    elif row.entity == "clinical_events":
        onset = codes.read_date(cells["onset_date"], site)
        assert onset
        event_type = _code(row, "event_type", site)
        assert event_type
        chart.events.append(Event(event_type, onset))
    else:
        first = codes.read_date(cells["onset_from"], site)
        last = codes.read_date(cells["onset_to"], site)
        assert first
        assert last
        reviewed = codes.read_date(row.text("reviewed_on"), site)
        role = row.text("reviewer_role") or None
        verdict = _code(row, "verdict", site)
        assert verdict
        chart.adjudications.append(Adjudication(row.key, first, last, verdict, reviewed, role))


def _first_day(row: Row, column: str, site: Site) -> date | None:
    period = codes.read_period(row.text(column), site)
    return period[0] if period else None


def _last_day(row: Row, column: str, site: Site) -> date | None:
    period = codes.read_period(row.text(column), site)
    return period[1] if period else None


def _contact(row: Row, site: Site) -> date | None:
    """The first day of the period, but not before birth."""
    contact, birth = _first_day(row, "last_contact_date", site), _first_day(row, "birth_date", site)
    return max(contact, birth) if contact and birth else contact


def nothing_given(row: Row, site: Site) -> bool:
    """An administration that says that nothing was given."""
    if row.entity != "administrations":
        return False
    status = words.resolve("status", row.cells["status"], site)
    return status == "not_given" or codes.says_nothing_given(row.cells["dose"])


def _lab(row: Row, site: Site) -> Lab:
    cells = row.cells
    at = codes.read_time(cells["collected_at"], site)
    _, analyte = meant_test(cells, site)
    unit_text = codes.unit_of(cells, site)
    unit = codes.resolve_unit(unit_text, site)
    read = codes.read_value(words.without_flags(cells["value"], site))
    assert at
    assert analyte
    assert unit
    assert read
    low = codes.read_number(row.text("reference_low"))
    return Lab(
        row.key,
        row.text("specimen_id") or None,
        analyte,
        codes.six_places(read[1] * unit[1]),
        read[0],
        at,
        None if low is None else codes.six_places(low * unit[1]),
        cells["value"],
        unit_text,
        cells["test_code"],
        unit == ("percent", 1),
    )
