"""What is wrong with one delivered row: reasons that hold it back, and cells that are emptied.

Knows nothing of other rows, except the patient's current birth and death date, which it is given.
"""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from . import codes, words
from .model import COLUMNS, KEYS, MALFORMED, REQUIRED, File, Patient, Site

CELLS_COUNTED = {"anc", "segs_abs", "bands_abs", "wbc", "lymphocytes", "platelets"}
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

    `status` ends as current, superseded, duplicate, quarantined or not_mapped. `holds_back`: an unclear cancellation
    for which a measurement is not used. `is_open`: quarantined, and its site still has to do something about it.
    """

    site: str
    delivery: str
    entity: str
    file: str
    record_number: int
    cells: dict[str, str]
    cancelled: bool = False
    malformed: bool = False
    reasons: list[str] = field(default_factory=list)
    emptied: list[tuple[str, str]] = field(default_factory=list)
    not_mapped: bool = False
    status: str = ""
    holds_back: bool = False
    is_open: bool = False

    @property
    def key(self) -> str:
        return self.cells[KEYS[self.entity]]

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


def rows_of(file: File, site: Site) -> list[Row]:
    """The file's records as rows, cells trimmed, words for no value blank."""
    return [
        Row(
            file.site,
            file.delivery,
            file.entity,
            file.name,
            number,
            {c: _cell(file.entity, c, words.told(record.get(c, ""), site)) for c in COLUMNS[file.entity]},
            cancelled=words.is_cancelled(words.told(record.get("status", ""), site), site),
            malformed=MALFORMED in record,
        )
        for number, record in enumerate(file.rows, start=1)
    ]


def _cell(entity: str, column: str, text: str) -> str:
    """The cell as it counts: what a spreadsheet shows for a missing value names no record, patient or test."""
    names_something = column in (KEYS[entity], "patient_id", "test_code")
    return "" if names_something and text in codes.SPREADSHEET_ERRORS else text


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
    if not _is_valid_status(row, site):
        row.empty("status", "invalid_code")
    for column in ("sex", "ms_phenotype", "duffy_null"):
        if row.cells[column] and words.resolve(column, row.cells[column], site) is None:
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
    unknown_test = entity == "lab_results" and _is_foreign(row, site)

    for column in REQUIRED[entity]:
        judged_elsewhere = column in (KEYS[entity], "unit")
        if not cells[column] and not judged_elsewhere and not (unknown_test and column == "value"):
            row.hold("missing_required")
    patient = patients.get(cells["patient_id"])
    if cells["patient_id"] and patient is None:
        row.hold("unknown_patient")
    if cells.get("drug") and codes.resolve_drug(cells["drug"], site) is None:
        row.hold("unknown_drug")
    if not _is_valid_status(row, site):
        row.hold("invalid_code")
    for column in ("event_type", "verdict"):
        if cells.get(column) and words.resolve(column, cells[column], site) is None:
            row.hold("invalid_code")
    if cells.get("specimen_id") in codes.SPREADSHEET_ERRORS:
        row.empty("specimen_id", "invalid_code")
    if cells.get("end_reason") and words.resolve("end_reason", cells["end_reason"], site) is None:
        row.empty("end_reason", "invalid_code")
    _judge_dates(row, patient, site)
    if entity == "lab_results" and not unknown_test:
        _judge_value(row, site)
    row.not_mapped = unknown_test


def _is_valid_status(row: Row, site: Site) -> bool:
    """Blank, or a status that its entity has: only a dose can be not given."""
    text = row.cells["status"]
    code = words.resolve("status", text, site) if text else "final"
    return code is not None and (code != "not_given" or row.entity == "administrations")


def meant_test(cells: dict[str, str], site: Site) -> tuple[bool, str | None]:
    """Is a result's code known, and its analyte, which the unit may have to tell."""
    unit = codes.resolve_unit(codes.unit_of(cells, site), site)
    return codes.resolve_test(cells["test_code"], site, unit[0] if unit else "")


def _is_foreign(row: Row, site: Site) -> bool:
    """Of a test that nobody knows, or of a specimen in which its analyte does not count: not mapped."""
    is_known, analyte = meant_test(row.cells, site)
    if not row.cells["test_code"]:
        return False
    material = words.resolve("material", row.cells["material"], site) if row.cells["material"] else None
    if is_known and row.cells["material"] and material is None:
        row.hold("unknown_material")
    return not is_known or (material is not None and material not in words.COUNTED_IN.get(analyte or "", {"blood"}))


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
        if not row.cells["status"] or words.resolve("status", row.cells["status"], site) != "not_given":
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


def _judge_value(row: Row, site: Site) -> None:
    """Judge value, unit and reference range; no analyte is known where the code is blank or its unit does not tell."""
    is_known, analyte = meant_test(row.cells, site)
    for column in ("reference_low", "reference_high"):
        bound = codes.read_number(row.cells[column])
        if row.cells[column] and bound is None:
            row.empty(column, "non_numeric_value")
        elif bound is not None and bound < 0:
            row.empty(column, "negative_value")
    read = codes.read_value(words.without_flags(row.cells["value"], site))
    if row.cells["value"] and read is None:
        row.hold("non_numeric_value")
    number = read[1] if read else None
    if number is not None and number < 0:
        row.hold("negative_value")

    unit_text = codes.unit_of(row.cells, site)
    if not unit_text:
        row.hold("zero_without_unit" if number == 0 else "unit_missing")
        return
    unit = codes.resolve_unit(unit_text, site)
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
    elif is_known:
        row.hold("code_unit_mismatch" if unit[0] in ("count", "percent") else "unit_incompatible")


def _implausible(analyte: str, number: Decimal, factor: Decimal) -> bool:
    canonical = number * factor
    if analyte == "anc" and canonical > 100:
        return True
    if analyte == "wbc" and canonical > 1000:
        return True
    if codes.DIMENSION[analyte] == "percent" and canonical > 100:
        return True
    return analyte in CELLS_COUNTED and number > 0 and not _is_whole_cells(codes.six_places(canonical))


def _is_whole_cells(value: Decimal) -> bool:
    """At least one cell per microlitre, and below 100 of them a whole number; `value` in 10^9/L at six places."""
    per_ul = value * 1000
    return per_ul >= 100 or (per_ul >= 1 and per_ul == per_ul.to_integral_value())
