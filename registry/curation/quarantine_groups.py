"""Quarantined rows by file, reason, column and spelling, with counts: what a data manager has to do, in a few lines.

A spelling is shown of codes, units, drugs and mapped words, never of another cell, and only if `shown_text` allows it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import duckdb

from registry.config.settings import Settings
from registry.curation.quarantine import Filter, check_built, connect_built
from registry.curation.shown_text import may_be_shown

HIDDEN = "(not shown)"
BLANK = "(blank)"

_GROUPS = """
SELECT cell.site, files.delivery, files.path, cell.entity, cell.reason, cell.column_name, cell.test_code, cell.spelling,
    count(*) AS n_rows, count(*) FILTER (WHERE cell.is_open) AS n_open
FROM built.intermediate.int_quarantined_cell AS cell JOIN input_file AS files USING (file_no)
WHERE (cell.is_open OR $with_closed)
    AND cell.site = coalesce($site, cell.site) AND files.delivery = coalesce($delivery, files.delivery)
    AND cell.entity = coalesce($entity, cell.entity) AND cell.reason = coalesce($reason, cell.reason)
GROUP BY ALL
"""
# a patient who is not known may be a misplaced cell of the same row
_TEXTS = """
WITH texts AS (
    SELECT site, spelling AS text, file_no, record_number, reason, patient_id
    FROM built.intermediate.int_quarantined_cell
    UNION ALL
    SELECT site, test_code, file_no, record_number, reason, patient_id FROM built.intermediate.int_quarantined_cell
),
known AS (
    SELECT site, test_code AS text FROM built.staging.stg_test_code
    UNION SELECT site, spelling FROM built.staging.stg_unit_spelling
    UNION SELECT site, word FROM built.staging.stg_code_word WHERE kind IN ('status', 'event_type', 'verdict')
),
unknown AS (
    SELECT file_no, record_number FROM built.intermediate.int_quarantined_cell WHERE reason = 'unknown_patient'
)
SELECT site, text, count(DISTINCT (file_no, record_number)), count(DISTINCT patient_id),
    EXISTS (
        SELECT 1 FROM main.patient_map AS patient
        WHERE patient.site = texts.site AND lower(patient.patient_id) = lower(texts.text)
    ),
    EXISTS (SELECT 1 FROM known WHERE known.site = texts.site AND known.text = texts.text)
FROM texts ANTI JOIN unknown USING (file_no, record_number)
WHERE text IS NOT NULL
GROUP BY site, text
"""


@dataclass(frozen=True)
class Group:
    """Rows of one file with one reason, in one column and spelling. A row of several reasons is in several groups."""

    site: str
    delivery: str
    file: str
    entity: str
    reason: str
    column: str
    spelling: str
    n_rows: int = 0
    n_open: int = 0


def groups(settings: Settings, which: Filter, *, with_closed: bool = False) -> list[Group]:
    """Groups of the open rows, or of all, by site, delivery and file, the largest of a file first.

    Raises:
        UserError: if the filter names something unknown, or nothing has been built yet.
    """
    which.check()
    with connect_built(settings) as connection:
        check_built(settings, connection, which)
        return groups_in(connection, which, with_closed=with_closed)


def groups_in(connection: duckdb.DuckDBPyConnection, which: Filter, *, with_closed: bool = False) -> list[Group]:
    """The groups of a vault whose models are attached as `built`."""
    found = connection.execute(_GROUPS, {**which.values(), "with_closed": with_closed}).fetchall()
    shown = _shown(connection)
    counted: dict[Group, tuple[int, int]] = {}
    for site, delivery, file, entity, reason, column, test, spelling, n_rows, n_open in found:
        said = _said(test, spelling, column, shown.get(site, set()))
        group = Group(site, delivery, file, entity, reason, column or "", said)
        before = counted.get(group, (0, 0))
        counted[group] = (before[0] + n_rows, before[1] + n_open)
    return sorted(
        (replace(group, n_rows=n_rows, n_open=n_open) for group, (n_rows, n_open) in counted.items()),
        key=lambda g: (g.site, g.delivery, g.file, g.entity, -g.n_rows, g.reason, g.column, g.spelling),
    )


def _shown(connection: duckdb.DuckDBPyConnection) -> dict[str, set[str]]:
    """By site, the texts that may be shown: those that the registry knows, and those that can't give a patient away."""
    shown: dict[str, set[str]] = {}
    for site, text, n_rows, n_patients, is_patient, is_known in connection.execute(_TEXTS).fetchall():
        if is_known or may_be_shown(text, n_rows, n_patients, is_patient=is_patient):
            shown.setdefault(site, set()).add(text)
    return shown


def _said(test: str | None, spelling: str | None, column: str | None, shown: set[str]) -> str:
    """The spelling as shown; of a unit with its test: `751-8: mg/dl`."""
    if column == "unit":
        unit = BLANK if spelling is None else _if_shown(spelling, shown)
        return f"{_if_shown(test, shown)}: {unit}" if test else unit
    return _if_shown(spelling, shown) if spelling else ""


def _if_shown(text: str, shown: set[str]) -> str:
    return text if text in shown else HIDDEN
