"""The native input contract: which entities a site delivers, their columns, and what a code may mean.

The only list of them in Python. dbt_project/models/staging checks the cells, registry/ingest reads the files, and
site.yml gives a site's own names for columns and codes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Entity:
    """One kind of delivered table: its key, its columns in raw's order, and those that must not be blank."""

    name: str
    key: str
    columns: tuple[str, ...]
    required: tuple[str, ...]


def _entity(name: str, columns: str) -> Entity:
    """Build an entity from its column list: the first is the key, `*` marks the required ones."""
    marked = columns.split()
    names = tuple(column.rstrip("*") for column in marked)
    return Entity(
        name=name,
        key=names[0],
        columns=names,
        required=tuple(column.rstrip("*") for column in marked if column.endswith("*")),
    )


ENTITIES: dict[str, Entity] = {
    entity.name: entity
    for entity in (
        _entity(
            "patients",
            "patient_id* birth_date sex ms_phenotype ms_onset_date last_contact_date death_date duffy_null status",
        ),
        _entity(
            "treatments",
            "treatment_id* patient_id* drug* start_date* end_date end_reason status",
        ),
        _entity(
            "administrations",
            "administration_id* patient_id* drug* administered_on* administered_until dose dose_unit route status",
        ),
        _entity(
            "lab_results",
            "result_id* patient_id* specimen_id test_code* test_name material value* unit* collected_at* "
            "reference_low reference_high status",
        ),
        _entity(
            "clinical_events",
            "event_id* patient_id* event_type* onset_date* end_date code description status",
        ),
        _entity(
            "adjudications",
            "adjudication_id* patient_id* onset_from* onset_to* verdict* reviewed_on reviewer_role comment status",
        ),
    )
}
"""Every entity by name, in order of loading."""


DATE_COLUMNS = frozenset(
    "birth_date ms_onset_date last_contact_date death_date start_date end_date administered_on administered_until "
    "collected_at onset_date onset_from onset_to reviewed_on".split()
)
"""The columns with dates or times."""

MEASURED_ON = {"administrations": "administered_on", "lab_results": "collected_at", "clinical_events": "onset_date"}
"""Entities with possibly several records of a patient on one day, and the column with the day."""

IGNORE = "ignore"
"""The target of a site's header if the column must not be stored."""

TIMED_COLUMNS = {"lab_results": ("collected_at",)}
"""The columns that may be delivered as two, `<column>.date` and `<column>.time`."""


def raw_columns(entity: Entity) -> str:
    """SQL list of the columns of `raw.<entity>` in the order of a load."""
    return ", ".join(("file_no", "record_number", *(f'"{name}"' for name in entity.columns), "extra", "malformed"))


ANALYTES: tuple[str, ...] = (
    "anc",
    "segs_abs",
    "bands_abs",
    "wbc",
    "neutrophils_pct",
    "segs_pct",
    "bands_pct",
    "lymphocytes",
    "lymphocytes_pct",
    "platelets",
    "hemoglobin",
    "cd19_abs",
    "cd19_pct",
    "igg",
    "iga",
    "igm",
)
"""Possible meanings of a site's own test code."""

FORMATS: dict[str, str] = {".csv": "csv", ".csv.gz": "csv", ".parquet": "parquet", ".xlsx": "xlsx"}
"""File name extension → format in the ledger."""


def entity_named(file_name: str) -> str | None:
    """The entity in a file's name: <entity>[_<anything>].<extension>."""
    folded = file_name.lower()
    stem = next((folded.removesuffix(ending) for ending in FORMATS if folded.endswith(ending)), folded)
    return next((entity for entity in ENTITIES if stem == entity or stem.startswith(f"{entity}_")), None)


CANCELLED = frozenset({"cancelled"})
"""The status of a record that cancels an earlier one."""

BLANKS = " \t\r\n\u00a0"
"""Characters trimmed from a cell; the macro `cell` in dbt_project trims the same."""

FORMULA = "#FORMULA"
"""Text of a workbook cell with a formula that has no stored value."""

_SHEET_ERROR = re.compile(r"#(FORMULA|GETTING_DATA|N/?[ADV]|[¡¿]?[A-ZÜ/0_]+[!?])|Err:\d{3}")


def is_sheet_error(cell: str) -> bool:
    """Is this a spreadsheet's error text? The macro `is_sheet_error` decides in the same way."""
    return _SHEET_ERROR.fullmatch(cell.strip(BLANKS)) is not None
