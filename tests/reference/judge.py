"""What is wrong with one delivered row: reasons that hold it back, and cells that are emptied.

Knows nothing of other rows, except the patient's current birth and death date, which it is given.
"""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from . import codes
from .model import COLUMNS, KEYS, MALFORMED, REQUIRED, File, Patient, Site

STATUSES = {"", "final", "corrected", "cancelled"}
CODE_LISTS = {
    "sex": {"F", "M", "X"},
    "ms_phenotype": {"CIS", "RRMS", "SPMS", "PPMS"},
    "end_reason": {"adverse_event", "inefficacy", "pregnancy", "patient_choice", "other"},
}
EVENT_TYPES = {"infection", "febrile_neutropenia", "hospitalisation", "relapse", "other"}
VERDICTS = {"confirmed", "other_cause", "lab_error"}
Period = tuple[date, date]
REQUIRED_DATES = {
    "treatments": ("start_date",),
    "administrations": ("administered_on",),
    "lab_results": ("collected_at",),
    "clinical_events": ("onset_date",),
    "adjudications": ("onset_from", "onset_to"),
}


@dataclass
class Row:
    """One delivered row with what becomes of it.

    `status` ends as current, superseded, duplicate, quarantined or not_mapped.
    """

    site: str
    delivery: str
    entity: str
    file: str
    record_number: int
    cells: dict[str, str]
    malformed: bool = False
    reasons: list[str] = field(default_factory=list)
    emptied: list[tuple[str, str]] = field(default_factory=list)
    not_mapped: bool = False
    status: str = ""

    @property
    def key(self) -> str:
        return self.cells[KEYS[self.entity]]

    @property
    def cancelled(self) -> bool:
        return self.cells["status"] == "cancelled"

    def hold(self, reason: str) -> None:
        """Add a reason to hold the row back."""
        if reason not in self.reasons:
            self.reasons.append(reason)

    def empty(self, column: str, reason: str) -> None:
        """Note a defect of an optional cell, whose content then counts as absent."""
        self.emptied.append((column, reason))

    def text(self, column: str) -> str:
        """The trimmed cell, blank where it was emptied."""
        return "" if any(column == c for c, _ in self.emptied) else self.cells[column]


def rows_of(file: File) -> list[Row]:
    """The file's records as rows, cells trimmed."""
    return [
        Row(
            file.site,
            file.delivery,
            file.entity,
            file.name,
            number,
            {c: record.get(c, "").strip() for c in COLUMNS[file.entity]},
            malformed=MALFORMED in record,
        )
        for number, record in enumerate(file.rows, start=1)
    ]


def last_day(delivery: str) -> date:
    """The last day of a delivery month `YYYY-MM`."""
    year, month = (int(part) for part in delivery.split("-"))
    return date(year, month, calendar.monthrange(year, month)[1])


def judge_identity(row: Row) -> bool:
    """Judge what every row needs; True where nothing else of it is to be judged."""
    if row.malformed:
        row.hold("malformed_row")
    elif not row.key:
        row.hold("missing_key")
    return row.malformed or row.cancelled


def judge_patient(row: Row, site: Site) -> None:
    """Empty the defective cells of a patients row. Birth is judged first, then death by it."""
    end = last_day(row.delivery)
    if row.cells["status"] not in STATUSES:
        row.empty("status", "invalid_code")
    for column in ("sex", "ms_phenotype"):
        if row.cells[column] and row.cells[column] not in CODE_LISTS[column]:
            row.empty(column, "invalid_code")
    birth = death = None
    if row.cells["birth_date"]:
        period = codes.read_period(row.cells["birth_date"], site)
        if period is None:
            row.empty("birth_date", "unparseable_date")
        elif period[0] > end:
            row.empty("birth_date", "date_after_delivery")
        else:
            birth = period[0]
    for column in ("death_date", "ms_onset_date", "last_contact_date"):
        period = _optional_date(row, column, site, birth, death, may_be_partial=True)
        if period and column == "death_date":
            death = period[1]


def judge_clinical(row: Row, patients: Mapping[str, Patient], site: Site) -> None:
    """Judge a row of any entity but patients, against the site's current patients by id."""
    entity, cells = row.entity, row.cells
    analyte = codes.resolve_test(cells["test_code"], site) if entity == "lab_results" else None
    unknown_test = entity == "lab_results" and bool(cells["test_code"]) and analyte is None

    for column in REQUIRED[entity]:
        judged_elsewhere = column in (KEYS[entity], "unit")
        if not cells[column] and not judged_elsewhere and not (unknown_test and column == "value"):
            row.hold("missing_required")
    patient = patients.get(cells["patient_id"])
    if cells["patient_id"] and patient is None:
        row.hold("unknown_patient")
    if cells.get("drug") and codes.resolve_drug(cells["drug"], site) is None:
        row.hold("unknown_drug")
    statuses = STATUSES | {"not_given"} if entity == "administrations" else STATUSES
    for column, allowed in (
        ("status", statuses),
        ("event_type", EVENT_TYPES | {""}),
        ("verdict", VERDICTS | {""}),
    ):
        if cells.get(column, "") not in allowed:
            row.hold("invalid_code")
    if cells.get("end_reason") and cells["end_reason"] not in CODE_LISTS["end_reason"]:
        row.empty("end_reason", "invalid_code")
    _judge_dates(row, patient, site)
    if entity == "lab_results" and not unknown_test:
        _judge_value(row, analyte, site)
    row.not_mapped = unknown_test


def _judge_dates(row: Row, patient: Patient | None, site: Site) -> None:
    birth, death = (patient.birth, patient.death) if patient else (None, None)
    adjudication = row.entity == "adjudications"
    days: dict[str, date | None] = {}
    for column in REQUIRED_DATES[row.entity]:
        if not row.cells[column]:
            continue
        day = codes.read_date(row.cells[column], site)
        period = codes.read_period(row.cells[column], site) if column == "start_date" else (day, day) if day else None
        days[column] = period[0] if period else None
        if period is None:
            row.hold("unparseable_date")
        elif not adjudication:
            for reason in _misplaced(period, last_day(row.delivery), birth, death):
                row.hold(reason)
        gcsf = codes.is_gcsf(row.cells.get("drug", ""), site)
        if period and period[0] != period[1] and gcsf:
            row.empty("start_date", "unparseable_date")
    if adjudication:
        first, last = days.get("onset_from"), days.get("onset_to")
        if first and last and last < first:
            row.hold("end_before_start")
        _optional_date(row, "reviewed_on", site, None, None)
    elif "end_date" in row.cells:
        start = days.get(REQUIRED_DATES[row.entity][0])
        _optional_date(row, "end_date", site, birth, death, may_be_partial=True)
        end = codes.read_period(row.cells["end_date"], site)
        if start and end and end[1] < start:
            row.empty("end_date", "end_before_start")
    elif "administered_until" in row.cells:
        if codes.is_gcsf(row.cells["drug"], site):
            _judge_until(row, days.get("administered_on"), death, site)
        _judge_dose(row)


def _judge_until(row: Row, given: date | None, death: date | None, site: Site) -> None:
    """The last day of a G-CSF course."""
    _optional_date(row, "administered_until", site, None, death)
    until = codes.read_date(row.cells["administered_until"], site)
    if given and until and until < given:
        row.empty("administered_until", "end_before_start")


def _judge_dose(row: Row) -> None:
    dose = codes.read_dose(row.cells["dose"])
    if row.cells["dose"] and dose is None:
        row.empty("dose", "non_numeric_value")
    elif dose is not None and dose < 0:
        row.empty("dose", "negative_value")


def _optional_date(
    row: Row, column: str, site: Site, birth: date | None, death: date | None, *, may_be_partial: bool = False
) -> Period | None:
    """Judge an optional date; its first and last day where it stands."""
    if not row.cells[column]:
        return None
    day = codes.read_date(row.cells[column], site)
    period = codes.read_period(row.cells[column], site) if may_be_partial else (day, day) if day else None
    defects = ["unparseable_date"] if period is None else _misplaced(period, last_day(row.delivery), birth, death)
    for reason in defects:
        row.empty(column, reason)
    return None if defects else period


def _misplaced(period: Period, delivered: date, birth: date | None, death: date | None) -> list[str]:
    """What every day of the period contradicts."""
    first, last = period
    reasons = []
    if first > delivered:
        reasons.append("date_after_delivery")
    if birth and last < birth:
        reasons.append("date_before_birth")
    if death and first > death:
        reasons.append("date_after_death")
    return reasons


def _judge_value(row: Row, analyte: str | None, site: Site) -> None:
    """Judge value, unit and reference range; `analyte` None only where test_code is blank."""
    for column in ("reference_low", "reference_high"):
        bound = codes.read_number(row.cells[column])
        if row.cells[column] and bound is None:
            row.empty(column, "non_numeric_value")
        elif bound is not None and bound < 0:
            row.empty(column, "negative_value")
    read = codes.read_value(row.cells["value"])
    if row.cells["value"] and read is None:
        row.hold("non_numeric_value")
    number = read[1] if read else None
    if number is not None and number < 0:
        row.hold("negative_value")

    if not row.cells["unit"]:
        row.hold("zero_without_unit" if number == 0 else "unit_missing")
        return
    unit = codes.resolve_unit(row.cells["unit"], site)
    if unit is None:
        row.hold("unit_unknown")
    elif analyte is not None:
        dimension, factor = unit
        expected = codes.DIMENSION[analyte]
        if dimension == expected:
            for column in ("reference_low", "reference_high"):
                bound = codes.read_number(row.cells[column])
                if bound is not None and bound >= 0 and _implausible(analyte, bound, factor):
                    row.empty(column, "implausible_value")
            if number is not None and _implausible(analyte, number, factor):
                row.hold("implausible_value")
        elif {dimension, expected} == {"count", "percent"}:
            row.hold("code_unit_mismatch")
        else:
            row.hold("unit_incompatible")


def _implausible(analyte: str, number: Decimal, factor: Decimal) -> bool:
    canonical = number * factor
    if analyte == "anc" and canonical > 100:
        return True
    if analyte == "wbc" and canonical > 1000:
        return True
    if codes.DIMENSION[analyte] == "percent" and canonical > 100:
        return True
    mislabelled = factor == codes.PER_UL and number < 100 and number != number.to_integral_value()
    return analyte in ("anc", "segs_abs", "wbc") and mislabelled
