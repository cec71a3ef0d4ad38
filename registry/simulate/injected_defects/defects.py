"""Possible defects of a row: for each, the cells that cause it and the expected reasons.

`ROW_DEFECTS` quarantine the row, `CELL_DEFECTS` empty one cell. A cell's new content is a text, or a function of the
spot (a day after the delivery, a day before birth) that returns None if the defect is impossible there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from registry.config.input_contract import ENTITIES, FORMULA
from registry.simulate.days import iso
from registry.simulate.injected_defects.ground import Cells, InjectionSite
from registry.simulate.spelling import AsWritten


@dataclass(frozen=True)
class Spot:
    """The place of a defect: a sound row's cells, and the delivery of the defective ones."""

    ground: InjectionSite
    cells: Cells
    delivery: int


Content = str | Callable[[Spot], str | None]


@dataclass(frozen=True)
class RowDefect:
    """A defect that quarantines a row. `test`: the LOINC code of the results for which it is possible."""

    name: str
    entity: str
    cells: Mapping[str, Content]
    reasons: tuple[str, ...]
    test: str = ""


@dataclass(frozen=True)
class CellDefect:
    """A defect of an optional cell, which is emptied, with its reasons (usually one)."""

    name: str
    entity: str
    column: str
    content: Content
    reasons: tuple[str, ...]
    closes_patient: bool = False
    """Whether other rows are checked against this cell, so that the patient can't have another story."""


def spoil(changes: Mapping[str, Content], spot: Spot) -> Cells | None:
    """The cells to change; None if the defect is impossible at this spot."""
    made: Cells = {}
    for column, content in changes.items():
        text = content if isinstance(content, str) else content(spot)
        if text is None:
            return None
        made[column] = text
    return made if spot.ground.holds(spot.cells | made) else None


def no_such_day(spot: Spot) -> str:
    """30 February, in the site's date format."""
    return f"{iso(spot.ground.end_of(spot.delivery))[:4]}-02-30"


def after_delivery(spot: Spot) -> str:
    """A day after the delivery; after the last one if every delivery repeats the row."""
    ground = spot.ground
    delivery = ground.last if ground.dialect.mode == "snapshot" else spot.delivery
    return iso(ground.end_of(delivery) + ground.rng.randint(1, 40))


def before_birth(spot: Spot) -> str | None:
    """A day in the year before the patient's birth."""
    year = spot.ground.birth_year(spot.cells["patient_id"])
    return None if year is None else f"{year - 1}-06-15"


def before(column: str) -> Callable[[Spot], str | None]:
    """Some days before the day in another column."""
    from datetime import date

    def day(spot: Spot) -> str | None:
        start = spot.cells[column][:10]
        return iso(date.fromisoformat(start).toordinal() - spot.ground.rng.randint(1, 30)) if start else None

    return day


def foreign_number(spot: Spot) -> str:
    """A count with the decimal mark of another country."""
    dialect = spot.ground.dialect
    if dialect.thousands:
        return AsWritten("0.750")  # three decimals that look like thousands
    return AsWritten("3.9" if dialect.decimal == "," else "3,9")


def formula(spot: Spot) -> str | None:
    """A formula without a stored value in an identifying cell; not in a wide table, which composes its key from it."""
    return None if spot.ground.dialect.wide else AsWritten(FORMULA)


FOREIGN_DATE = AsWritten("12/31/2023")
PARTIAL_DATE = AsWritten("05/2023")
NO_DATE = AsWritten("unknown")
NOBODY = "SYN-0000000"
"""No simulated patient has this number."""
DATE_OF = {
    "treatments": "start_date",
    "administrations": "administered_on",
    "lab_results": "collected_at",
    "clinical_events": "onset_date",
    "adjudications": "onset_from",
}


def _row_defects() -> list[RowDefect]:
    defects = []
    for entity, day in DATE_OF.items():

        def add(name: str, cells: Mapping[str, Content], *reasons: str, of: str = entity) -> None:
            defects.append(RowDefect(f"{name}:{of}", of, cells, tuple(sorted(reasons))))

        add("unparseable_date", {day: no_such_day}, "unparseable_date")
        add("foreign_date", {day: FOREIGN_DATE}, "unparseable_date")
        add("formula_for_a_date", {day: formula}, "unparseable_date")
        add("formula_for_a_patient", {"patient_id": formula}, "missing_required")
        if entity != "treatments":  # only a line may begin on a partial date
            add("partial_date", {day: PARTIAL_DATE}, "unparseable_date")
        add("invalid_status", {"status": "preliminary"}, "invalid_code")
        add("unknown_patient", {"patient_id": NOBODY}, "unknown_patient")
        for column in ENTITIES[entity].required:
            if column not in (ENTITIES[entity].key, "unit"):
                add(f"blank_{column}", {column: ""}, "missing_required")
        if entity != "adjudications":
            add("date_after_delivery", {day: after_delivery}, "date_after_delivery")
            add("date_before_birth", {day: before_birth}, "date_before_birth")
        if entity in ("treatments", "administrations"):
            add("unknown_drug", {"drug": "mysterimab"}, "unknown_drug")
            add("unknown_drug_too_late", {"drug": "?", day: after_delivery}, "unknown_drug", "date_after_delivery")
    return [
        *defects,
        RowDefect("event_type", "clinical_events", {"event_type": "headache"}, ("invalid_code",)),
        RowDefect(
            "event_type_and_date",
            "clinical_events",
            {"event_type": "headache", "onset_date": no_such_day},
            ("invalid_code", "unparseable_date"),
        ),
        RowDefect("verdict", "adjudications", {"verdict": "maybe"}, ("invalid_code",)),
        RowDefect("reversed_span", "adjudications", {"onset_to": before("onset_from")}, ("end_before_start",)),
        RowDefect(
            "reversed_span_of_nobody",
            "adjudications",
            {"onset_to": before("onset_from"), "patient_id": NOBODY},
            ("end_before_start", "unknown_patient"),
        ),
    ]


def _result(name: str, test: str, cells: Mapping[str, Content], *reasons: str) -> RowDefect:
    return RowDefect(f"value_{name}", "lab_results", cells, tuple(sorted(reasons)), test)


_ANC, _WBC, _NEUTROPHILS_PCT = "751-8", "6690-2", "770-8"

ROW_DEFECTS = [
    *_row_defects(),
    _result("text", _ANC, {"value": "haemolysed"}, "non_numeric_value"),
    _result("formula", _ANC, {"value": AsWritten(FORMULA)}, "non_numeric_value"),
    _result("foreign_mark", _ANC, {"value": foreign_number}, "non_numeric_value"),
    _result("negative", _ANC, {"value": "-1"}, "negative_value"),
    _result("no_unit", _ANC, {"value": "3.1", "unit": ""}, "unit_missing"),
    _result("zero_no_unit", _ANC, {"value": "0", "unit": ""}, "zero_without_unit"),
    _result("unit_unknown", _ANC, {"value": "3.1", "unit": "bottles"}, "unit_unknown"),
    _result("unit_of_mass", _ANC, {"value": "3.1", "unit": "g/L"}, "unit_incompatible"),
    _result("count_in_percent", _ANC, {"value": "62.1", "unit": "%"}, "code_unit_mismatch"),
    _result("percent_as_count", _NEUTROPHILS_PCT, {"value": "3.1", "unit": "10*9/L"}, "code_unit_mismatch"),
    _result("too_high", _ANC, {"value": "390", "unit": "10*9/L"}, "implausible_value"),
    _result("too_many_leukocytes", _WBC, {"value": "6100", "unit": "10*9/L"}, "implausible_value"),
    _result("above_all", _NEUTROPHILS_PCT, {"value": "140.2"}, "implausible_value"),
    _result("mislabelled_anc", _ANC, {"value": "3.91", "unit": "/uL"}, "implausible_value"),
    _result("mislabelled_wbc", _WBC, {"value": "6.1", "unit": "/uL"}, "implausible_value"),
    _result("part_of_a_cell", _ANC, {"value": "0.0034", "unit": "10*9/L"}, "implausible_value"),
    _result("cells_per_litre", _ANC, {"value": "250", "unit": "/L"}, "implausible_value"),
    _result("leukocytes_per_ml", _WBC, {"value": "0.006037", "unit": "10*9/L"}, "implausible_value"),
    _result("unknown_material", _ANC, {"value": "0.00", "material": "tube 7"}, "unknown_material"),
    _result(
        "unknown_material_no_unit",
        _ANC,
        {"value": "3.1", "unit": "", "material": "tube 7"},
        "unknown_material",
        "unit_missing",
    ),
    _result("text_no_unit", _ANC, {"value": "haemolysed", "unit": ""}, "non_numeric_value", "unit_missing"),
    _result("nothing", _ANC, {"value": "", "unit": ""}, "missing_required", "unit_missing"),
    _result("negative_of_nobody", _ANC, {"value": "-1", "patient_id": NOBODY}, "negative_value", "unknown_patient"),
    _result(
        "all_wrong",
        _ANC,
        {"value": "-1", "unit": "bottles", "collected_at": after_delivery, "status": "?"},
        "negative_value",
        "unit_unknown",
        "date_after_delivery",
        "invalid_code",
    ),
]


def _ends(entity: str, start: str) -> list[CellDefect]:
    """Possible defects of the end of a line or an event."""
    return [
        CellDefect(f"end_no_date:{entity}", entity, "end_date", NO_DATE, ("unparseable_date",)),
        CellDefect(f"end_formula:{entity}", entity, "end_date", AsWritten(FORMULA), ("unparseable_date",)),
        CellDefect(f"end_planned:{entity}", entity, "end_date", after_delivery, ("date_after_delivery",)),
        CellDefect(f"end_first:{entity}", entity, "end_date", before(start), ("end_before_start",)),
        CellDefect(
            f"end_before_birth:{entity}", entity, "end_date", before_birth, ("date_before_birth", "end_before_start")
        ),
    ]


def _patient(name: str, column: str, content: Content, reason: str, *, closes: bool = False) -> CellDefect:
    return CellDefect(name, "patients", column, content, (reason,), closes)


CELL_DEFECTS = [
    *_ends("treatments", "start_date"),
    *_ends("clinical_events", "onset_date"),
    CellDefect("end_reason", "treatments", "end_reason", "moved away", ("invalid_code",)),
    CellDefect("dose_text", "administrations", "dose", "half", ("non_numeric_value",)),
    CellDefect("dose_negative", "administrations", "dose", "-300", ("negative_value",)),
    CellDefect("low_text", "lab_results", "reference_low", "see report", ("non_numeric_value",)),
    CellDefect("low_negative", "lab_results", "reference_low", "-1", ("negative_value",)),
    CellDefect("high_text", "lab_results", "reference_high", "see report", ("non_numeric_value",)),
    CellDefect("high_negative", "lab_results", "reference_high", "-1", ("negative_value",)),
    CellDefect("reviewed_no_date", "adjudications", "reviewed_on", NO_DATE, ("unparseable_date",)),
    CellDefect("reviewed_later", "adjudications", "reviewed_on", after_delivery, ("date_after_delivery",)),
    _patient("sex", "sex", "unknown", "invalid_code"),
    _patient("phenotype", "ms_phenotype", "benign", "invalid_code"),
    _patient("duffy", "duffy_null", "maybe", "invalid_code"),
    _patient("patient_status", "status", "preliminary", "invalid_code"),
    _patient("onset_no_date", "ms_onset_date", NO_DATE, "unparseable_date"),
    _patient("onset_late", "ms_onset_date", after_delivery, "date_after_delivery"),
    _patient("onset_before_birth", "ms_onset_date", before_birth, "date_before_birth"),
    _patient("contact_no_date", "last_contact_date", FOREIGN_DATE, "unparseable_date"),
    _patient("contact_late", "last_contact_date", after_delivery, "date_after_delivery"),
    _patient("contact_before_birth", "last_contact_date", before_birth, "date_before_birth"),
    _patient("birth_no_date", "birth_date", no_such_day, "unparseable_date", closes=True),
    _patient("birth_later", "birth_date", after_delivery, "date_after_delivery", closes=True),
    _patient("death_no_date", "death_date", NO_DATE, "unparseable_date", closes=True),
    _patient("death_later", "death_date", after_delivery, "date_after_delivery", closes=True),
    _patient("death_before_birth", "death_date", before_birth, "date_before_birth", closes=True),
]
