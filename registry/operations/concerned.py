"""Which delivered files a failed check is about: from the rows at fault through the lineage of the build file.

Their names come from the vault and are for the terminal alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import duckdb

from expectations import Check, CheckResult
from expectations.catalogue import every_check
from registry.config.settings import Settings, connect_options
from registry.errors import UserError
from registry.release import current
from registry.release.refused import refused_build
from registry.system.sql import attach
from registry.vault.file_names import file_names

_SHOWN = 5

# The first of these whose columns the rows at fault have leads to the files. Counts other than the ANC are not in
# meta.lineage: their record is that of the build file.
_LED_TO_BY: tuple[tuple[set[str], str], ...] = (
    ({"source_file"}, "SELECT source_file FROM found"),
    ({"file_id"}, "SELECT file_id FROM found"),
    ({"anc_key"}, "SELECT origin.source_file FROM found JOIN meta.lineage AS origin USING (anc_key)"),
    (
        {"lab_key"},
        """
        SELECT file.file_id FROM intermediate.int_current_lab_result AS result
        JOIN staging.stg_input_file AS file USING (file_no)
        WHERE lpad(lower(hex(result.record_key)), 32, '0') IN (SELECT lab_key FROM found)
        """,
    ),
    (
        {"treatment_key"},
        "SELECT origin.source_file FROM found JOIN meta.lineage AS origin ON origin.record_key = found.treatment_key",
    ),
    (
        {"episode_id"},
        """
        SELECT origin.source_file FROM found JOIN meta.episode_trace AS step USING (episode_id)
        JOIN meta.lineage AS origin ON origin.anc_key = step.anc_key
        """,
    ),
    (
        {"patient_key", "drug", "administered_on"},
        "SELECT origin.source_file FROM found JOIN meta.lineage AS origin USING (patient_key, drug, administered_on)",
    ),
    (
        {"patient_key", "drug"},
        "SELECT origin.source_file FROM found JOIN meta.lineage AS origin USING (patient_key, drug)",
    ),
    (
        {"patient_key"},
        """
        SELECT origin.source_file FROM found JOIN meta.lineage AS origin USING (patient_key)
        WHERE origin.record_of = 'patient'
        """,
    ),
)
_FILES = """
SELECT file.file_id, file.site, file.delivery FROM ({files}) AS led_to (file_id)
JOIN meta.input_file AS file USING (file_id)
GROUP BY ALL ORDER BY count(*) DESC, file.site, file.delivery, file.file_id
"""


def deliveries_concerned(settings: Settings, results: Iterable[CheckResult]) -> dict[str, str]:
    """By check, the files behind what it found in the refused build: `udine/2025-03 lab_results.csv`, at most five.

    A check that is not about rows with a record behind them has none. Files have their ids if the vault can't be read.
    """
    checks = {check.check_id: check for check in every_check()}
    asked = [checks[one.check_id] for one in results if one.finds and one.check_id in checks]
    try:
        build = refused_build(settings)
        with duckdb.connect(str(build), read_only=True, config=connect_options(settings)) as connection:
            release = current(settings)
            if release is not None:
                attach(connection, release.database, "previous")
            found = {check.check_id: _files(connection, check) for check in asked}
    except (UserError, duckdb.Error):  # what was found is printed all the same
        return {}
    names = file_names(settings) or {}
    return {check_id: _in_words(files, names) for check_id, files in found.items() if files}


def _files(connection: duckdb.DuckDBPyConnection, check: Check) -> list[tuple[str, str, str]]:
    """Id, site and month of the files behind the rows at fault, most rows first."""
    if not check.query:
        return []
    try:
        rows = connection.execute(f"SELECT * FROM ({check.query}) AS found LIMIT 0")
        columns = {column[0] for column in rows.description or []}
        leading = next((files for keys, files in _LED_TO_BY if keys <= columns), None)
        if leading is None:
            return []
        query = f"WITH found AS ({check.query}) {_FILES.format(files=leading)}"
        return connection.execute(query).fetchall()
    except duckdb.Error:  # reads what is only in a candidate, or in no previous release
        return []


def _in_words(files: list[tuple[str, str, str]], names: Mapping[str, tuple[str, str, str]]) -> str:
    shown = [
        f"{site}/{delivery} {names[file_id][2] if file_id in names else file_id}"
        for file_id, site, delivery in files[:_SHOWN]
    ]
    more = len(files) - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more else "")
