"""Rows whose unknown patient id differs only in form from a known patient's: in which way, never the id itself.

No row is matched: it stays quarantined until its site sends the id as in its patients table.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import duckdb

from registry.config import terminology
from registry.config.input_contract import BLANKS, ENTITIES

RowPlace = tuple[str, int, int]
"""Entity, file number and the row's number in raw."""

_FORMS: dict[str, Callable[[str], str]] = {
    "invisible characters": lambda text: text.translate(terminology.INVISIBLE),
    "blanks": lambda text: text.translate(terminology.BLANK).replace(" ", ""),
    "the kind of dash": lambda text: text.translate(terminology.DASH),
    "full-width characters": lambda text: text.translate(terminology.FULL_WIDTH),
    "letter case": str.casefold,
    "leading zeros": lambda text: re.sub(r"(?<![0-9])0+(?=[0-9])", "", text),
    "a .0 at its end": lambda text: re.sub(r"^([0-9]+)\.0+$", r"\1", text),
}
"""Each difference in form, and how to remove it, in this order."""


def hints(connection: duckdb.DuckDBPyConnection, site: str | None) -> dict[RowPlace, str]:
    """Quarantined rows with such an id → a sentence for a person. `connection`: of `connect_built`."""
    sent = _unknown_ids(connection, site)
    ids: dict[str, set[str]] = {}
    for of_site, patient_id in sent.values():
        ids.setdefault(of_site, set()).add(patient_id)
    said = {
        (of_site, patient_id): hint
        for of_site, unknown in ids.items()
        for patient_id, hint in _similar(unknown, _known_ids(connection, of_site)).items()
    }
    return {place: said[row] for place, row in sent.items() if row in said}


def _similar(unknown: set[str], known: set[str]) -> dict[str, str]:
    """The unknown ids that resemble known ones → in which way."""
    by_form: dict[str, list[str]] = {}
    for patient_id in known:
        by_form.setdefault(_form(patient_id), []).append(patient_id)
    return {
        patient_id: _sentence(patient_id, found) for patient_id in unknown if (found := by_form.get(_form(patient_id)))
    }


def _form(patient_id: str, besides: str = "") -> str:
    """An id without differences in form, but for the one named."""
    for name, without in _FORMS.items():
        if name != besides:
            patient_id = without(patient_id)
    return patient_id


def _sentence(patient_id: str, found: list[str]) -> str:
    differences = [name for name in _FORMS if any(_form(patient_id, name) != _form(other, name) for other in found)]
    *most, last = differences or ["spelling"]
    listed = f"{', '.join(most)} and {last}" if most else last
    if len(found) == 1:
        return f"The id differs from a known patient's only by {listed}: send it as in patients."
    return f"The id differs from those of {len(found)} known patients only by {listed}: send the one that is meant."


def _unknown_ids(connection: duckdb.DuckDBPyConnection, site: str | None) -> dict[RowPlace, tuple[str, str]]:
    """Rows quarantined because their patient is unknown → site and patient id."""
    found: dict[RowPlace, tuple[str, str]] = {}
    for entity in ENTITIES.values():
        if entity.key == "patient_id" or "patient_id" not in entity.columns:
            continue
        rows = connection.execute(
            f"""
            SELECT file_no, record_number, files.site, trim(r.patient_id, $blanks)
            FROM built.intermediate.int_row_disposition AS aside
            JOIN input_file AS files USING (file_no)
            JOIN raw."{entity.name}" AS r USING (file_no, record_number)
            WHERE aside.entity = $entity AND files.is_current AND files.site = coalesce($site, files.site)
                AND list_contains(string_split(aside.reasons, ','), 'unknown_patient') AND r.patient_id IS NOT NULL
            """,
            {"entity": entity.name, "site": site, "blanks": BLANKS},
        ).fetchall()
        found |= {(entity.name, file_no, number): (of_site, sent) for file_no, number, of_site, sent in rows}
    return found


def _known_ids(connection: duckdb.DuckDBPyConnection, site: str) -> set[str]:
    """The ids of a site's current patients rows."""
    rows = connection.execute(
        """
        SELECT trim(r.patient_id, $blanks)
        FROM raw.patients AS r
        JOIN built.staging.stg_input_file AS files USING (file_no)
        ANTI JOIN built.intermediate.int_row_disposition AS aside USING (file_no, record_number)
        WHERE files.site = $site AND r.patient_id IS NOT NULL
        """,
        {"site": site, "blanks": BLANKS},
    ).fetchall()
    return {row[0] for row in rows}
