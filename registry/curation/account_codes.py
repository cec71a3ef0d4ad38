"""New unmapped test codes by name: shown in the terminal of a refresh if `shown_text` allows it, else counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from registry.curation.quarantine import connect_built
from registry.curation.shown_text import may_be_shown
from registry.errors import UserError
from registry.system.sql import attach

if TYPE_CHECKING:
    from pathlib import Path

    from registry.config.settings import Settings

_SHOWN = 5
_NEW_CODES = """
SELECT site, test_code, count(*) AS n_rows, count(DISTINCT patient_id) AS n_patients,
    EXISTS (
        SELECT 1 FROM main.patient_map AS patient
        WHERE patient.site = test.site AND lower(patient.patient_id) = lower(test.test_code)
    ) AS is_patient
FROM built.intermediate.int_unmapped_test AS test
GROUP BY site, test_code
HAVING NOT bool_or(list_contains($known, file_id))
ORDER BY site, bool_or(is_neutrophil_like) DESC, n_rows DESC, test_code
"""


def new_codes(settings: Settings, before: Path | None) -> dict[str, tuple[str, ...]]:
    """By site, the codes that no file of the release `before` had, those that look like neutrophils first.

    Empty if the vault or the build file can't be read now.
    """
    try:
        with connect_built(settings) as connection:
            known = _files(connection, before)
            found = connection.execute(_NEW_CODES, {"known": known}).fetchall()
    except (UserError, duckdb.Error, PermissionError):
        return {}
    named: dict[str, list[str]] = {}
    hidden: dict[str, int] = {}
    for site, code, n_rows, n_patients, is_patient in found:
        may_be_named = may_be_shown(code, n_rows, n_patients, is_patient=is_patient)
        if may_be_named and len(named.setdefault(site, [])) < _SHOWN:
            named[site].append(code)
        else:
            hidden[site] = hidden.get(site, 0) + 1
    sites = sorted(named.keys() | hidden.keys())
    return {
        site: (*named.get(site, ()), *([f"{hidden[site]:,} not shown"] if hidden.get(site) else ())) for site in sites
    }


def _files(connection: duckdb.DuckDBPyConnection, before: Path | None) -> list[str]:
    if before is None:
        return []
    attach(connection, before, "before")
    try:
        return [row[0] for row in connection.execute("SELECT file_id FROM before.meta.input_file").fetchall()]
    finally:
        connection.execute("DETACH before")
