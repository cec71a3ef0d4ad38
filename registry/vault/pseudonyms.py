"""Pseudonyms: everything derived from the key (registry/vault/keys.py).

All are HMAC-SHA-256 under one key that never leaves the vault: without it, no id can be found by guessing. Patient
keys, file ids and the key's own id are published; the salts stay in the vault.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from typing import TYPE_CHECKING

from registry.config.input_contract import BLANKS, entity_named

if TYPE_CHECKING:
    import duckdb

_ROWS_A_STATEMENT = 50_000


def _hmac(key: bytes, message: str) -> str:
    return hmac.digest(key, message.encode("utf-8"), hashlib.sha256).hex()


def key_id(key: bytes) -> str:
    """An id of the key that does not reveal it, 12 hexadecimal digits."""
    return _hmac(key, "key-id")[:12]


def patient_key(key: bytes, site: str, patient_id: str) -> str:
    """A patient's pseudonym, 64 hexadecimal digits; `patient_id` without surrounding blanks."""
    return _hmac(key, f"{site}\x1f{patient_id}")


def file_id(key: bytes, site: str, delivery: str, entity: str, path: str, sha256: str) -> str:
    """The published id of a delivered file, 16 hexadecimal digits: its place and its bytes.

    A workbook with several entities counts as one file for each of them.
    """
    name = path if entity_named(path) == entity else f"{path}|{entity}"
    return _hmac(key, f"file|{site}|{delivery}|{name}|{sha256}")[:16]


def site_salt(key: bytes, site: str) -> str:
    """The salt that SQL adds to hashes of a site's own keys, 64 hexadecimal digits."""
    return _hmac(key, f"salt|{site}")


def add_salts(connection: duckdb.DuckDBPyConnection, key: bytes, sites: Iterable[str]) -> None:
    """Add a salt for each site without one."""
    known = {row[0] for row in connection.execute("SELECT site FROM main.site_salt").fetchall()}
    for site in sorted(set(sites) - known):
        connection.execute(
            "INSERT INTO main.site_salt VALUES ($site, $salt)",
            {"site": site, "salt": site_salt(key, site)},
        )


def add_patients(
    connection: duckdb.DuckDBPyConnection, key: bytes, entity: str, first_file: int, last_file: int
) -> int:
    """Add all patients of the files `first_file` to `last_file` to the map; returns the number of new ones.

    Runs in the caller's transaction, so that no row is stored without its patient's key.
    """
    found: list[tuple[str, str]] = connection.execute(
        f"""
        WITH delivered AS (
            SELECT DISTINCT file_no, patient_id
            FROM raw."{entity}"
            WHERE file_no BETWEEN $first AND $last AND patient_id IS NOT NULL
        ),
        named AS (
            SELECT DISTINCT file.site, trim(delivered.patient_id, $blanks) AS patient_id
            FROM delivered
            INNER JOIN main.input_file AS file ON delivered.file_no = file.file_no
        )
        SELECT named.site, named.patient_id
        FROM named
        ANTI JOIN main.patient_map AS known
            ON named.site = known.site AND named.patient_id = known.patient_id
        WHERE named.patient_id <> ''
        ORDER BY named.site, named.patient_id
        """,
        {"first": first_file, "last": last_file, "blanks": BLANKS},
    ).fetchall()
    for start in range(0, len(found), _ROWS_A_STATEMENT):
        part = found[start : start + _ROWS_A_STATEMENT]
        connection.execute(
            """
            INSERT INTO main.patient_map
            WITH highest AS (SELECT coalesce(max(patient_no), 0) AS number FROM main.patient_map),
            numbered AS (
                SELECT
                    unnest(range(1, len($ids) + 1)) AS number,
                    unnest($sites) AS site,
                    unnest($ids) AS patient_id,
                    unnest($keys) AS patient_key
            )
            SELECT highest.number + numbered.number, site, patient_id, patient_key
            FROM numbered CROSS JOIN highest
            """,
            {
                "sites": [site for site, _ in part],
                "ids": [patient_id for _, patient_id in part],
                "keys": [patient_key(key, site, patient_id) for site, patient_id in part],
            },
        )
    return len(found)
