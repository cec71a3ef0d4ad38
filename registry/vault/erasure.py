"""Erase the rows of forgotten patients from raw. The number per file is kept, so that the accounts add up.

A malformed record belongs to a patient if one of its parts (between delimiters, quotes and white space) is the id.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import duckdb

from registry.config.input_contract import BLANKS, ENTITIES
from registry.vault.tombstones import Tombstones

_PARTS = re.compile(r"[\s,;|\"']+")
_FILES_OF_ALL = (0, 2**31 - 1)


def erase_everywhere(connection: duckdb.DuckDBPyConnection, tombstones: Tombstones) -> int:
    """Erase the forgotten patients from every version of every file and from the patient map; returns rows erased.

    Runs in the caller's transaction.
    """
    n_rows = sum(erase(connection, tombstones, entity, *_FILES_OF_ALL) for entity in ENTITIES)
    known = connection.execute("SELECT site, patient_id FROM main.patient_map").fetchall()
    gone = [(site, patient_id) for site, patient_id in known if tombstones.covers(site, patient_id)]
    if gone:
        connection.execute(
            "DELETE FROM main.patient_map WHERE (site, patient_id) IN (SELECT unnest($sites), unnest($ids))",
            _columns(gone, "sites", "ids"),
        )
        connection.execute("INSERT INTO main.not_yet_purged VALUES ($n)", {"n": len(gone)})
    return n_rows


def erase(
    connection: duckdb.DuckDBPyConnection, tombstones: Tombstones, entity: str, first_file: int, last_file: int
) -> int:
    """Erase the forgotten patients from the files `first_file` to `last_file` of an entity; returns rows erased.

    Runs in the caller's transaction, before the patients of these files are mapped.
    """
    if not tombstones:
        return 0
    files = {"first": first_file, "last": last_file}
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE leaving (file_no INTEGER, record_number BIGINT);"
        "CREATE OR REPLACE TEMP TABLE gone (site VARCHAR, patient_id VARCHAR)"
    )
    _insert(connection, "gone", _forgotten_ids(connection, tombstones, entity, files))
    connection.execute(
        f"""
        INSERT INTO temp.leaving
        SELECT r.file_no, r.record_number FROM raw."{entity}" AS r
        JOIN main.input_file AS f ON r.file_no = f.file_no
        JOIN temp.gone AS g ON f.site = g.site AND trim(r.patient_id, $blanks) = g.patient_id
        WHERE r.file_no BETWEEN $first AND $last
        """,
        {**files, "blanks": BLANKS},
    )
    _insert(connection, "leaving", _malformed(connection, tombstones, entity, files))
    row = connection.execute("SELECT count(*) FROM temp.leaving").fetchone()
    n_rows = int(row[0]) if row else 0
    if n_rows:
        connection.execute("INSERT INTO main.erased SELECT file_no, count(*) FROM temp.leaving GROUP BY file_no")
        connection.execute(
            f'DELETE FROM raw."{entity}" AS r USING temp.leaving AS l '
            "WHERE r.file_no = l.file_no AND r.record_number = l.record_number"
        )
        connection.execute("INSERT INTO main.not_yet_purged VALUES ($n)", {"n": n_rows})
    connection.execute("DROP TABLE temp.leaving; DROP TABLE temp.gone")
    return n_rows


def _forgotten_ids(
    connection: duckdb.DuckDBPyConnection, tombstones: Tombstones, entity: str, files: dict[str, int]
) -> list[tuple[str, str]]:
    found = connection.execute(
        f"""
        SELECT DISTINCT f.site, trim(r.patient_id, $blanks)
        FROM raw."{entity}" AS r JOIN main.input_file AS f ON r.file_no = f.file_no
        WHERE r.file_no BETWEEN $first AND $last AND r.patient_id IS NOT NULL
        """,
        {**files, "blanks": BLANKS},
    ).fetchall()
    return [(site, patient_id) for site, patient_id in found if tombstones.covers(site, patient_id)]


def _malformed(
    connection: duckdb.DuckDBPyConnection, tombstones: Tombstones, entity: str, files: dict[str, int]
) -> list[tuple[int, int]]:
    found = connection.execute(
        f"""
        SELECT r.file_no, r.record_number, f.site, r.malformed
        FROM raw."{entity}" AS r JOIN main.input_file AS f ON r.file_no = f.file_no
        WHERE r.file_no BETWEEN $first AND $last AND r.malformed IS NOT NULL
        """,
        files,
    ).fetchall()
    return [
        (file_no, record_number)
        for file_no, record_number, site, text in found
        if any(tombstones.covers(site, part) for part in set(_PARTS.split(text)) if part)
    ]


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: Iterable[tuple[object, object]]) -> None:
    pairs = list(rows)
    if pairs:
        connection.execute(
            f"INSERT INTO temp.{table} SELECT unnest($first), unnest($second)", _columns(pairs, "first", "second")
        )


def _columns(pairs: list[tuple[object, object]] | list[tuple[str, str]], *names: str) -> dict[str, list[object]]:
    return {name: [pair[index] for pair in pairs] for index, name in enumerate(names)}
