"""The ledger of files, `main.input_file`: which versions of each place were loaded, and which one is current."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb

from registry.config.input_contract import ENTITIES, IGNORE
from registry.config.site import SiteProfile
from registry.ingest.deliveries import DeliveredFile
from registry.ingest.header import Header
from registry.ingest.target import ReadResult
from registry.system.clock import present_month
from registry.vault.database import connect_vault

if TYPE_CHECKING:
    from registry.config.settings import Settings

READER = {"csv": "2", "parquet": "1", "xlsx": "3"}
"""Raise a format's version when the same bytes give other rows than before: its files are then read again."""

Place = tuple[str, str, str]


@dataclass(frozen=True)
class Version:
    """One version of the file at a place."""

    file_no: int
    sha256: str
    is_current: bool
    read_as: str


@dataclass(frozen=True)
class Loaded:
    """A file whose rows are in raw, to be entered in the ledger."""

    file: DeliveredFile
    file_no: int
    file_id: str
    read_as: str
    reading: ReadResult


def read_as(file: DeliveredFile, profile: SiteProfile) -> str:
    """Hash everything that decides how a file's bytes become rows, so that a corrected site.yml affects old files."""
    ways: list[object] = [READER[file.format], ENTITIES[file.entity].columns]
    ways.append(sorted(profile.column_names(file.entity).items()))
    if file.format == "csv":
        ways += [profile.csv.encoding, profile.csv.delimiter]
    else:
        ways.append(profile.csv.decimal)
    if profile.codes.status:
        ways.append(sorted(profile.cancelled_words))
    if file.format == "xlsx" and (sheets := profile.sheets_of(file.path)):
        ways.append(sorted(sheet for sheet, entity in sheets.items() if entity == file.entity))
    table = profile.wide_table(file.entity)
    if table:
        tests = sorted((header, test.code, test.unit) for header, test in table.by_header.items())
        ways += [tests, table.carry_down, "numbered"]
    made_of = [target for target in profile.column_names(file.entity).values() if "." in target]
    if profile.composed_key(file.entity):
        ways.append(profile.composed_key(file.entity))
    if table or profile.composed_key(file.entity):
        ways.append("cancellations numbered 0")
    if table or profile.composed_key(file.entity) or made_of:
        ways += [profile.csv.date_formats, sorted(profile.missing_words)]
    return hashlib.sha256(json.dumps(ways).encode()).hexdigest()[:16]


def versions(connection: duckdb.DuckDBPyConnection, entity: str) -> dict[Place, list[Version]]:
    """Every version of every place of one entity."""
    known: dict[Place, list[Version]] = {}
    for site, delivery, path, *version in connection.execute(
        "SELECT site, delivery, path, file_no, sha256, is_current, read_as "
        "FROM main.input_file WHERE entity = $entity ORDER BY file_no",
        {"entity": entity},
    ).fetchall():
        known.setdefault((site, delivery, path), []).append(Version(*version))
    return known


def next_file_no(connection: duckdb.DuckDBPyConnection) -> int:
    """The number of the next file, in order of loading."""
    row = connection.execute("SELECT coalesce(max(file_no), 0) + 1 FROM main.input_file").fetchone()
    return int(row[0]) if row else 1


def make_current(connection: duckdb.DuckDBPyConnection, entity: str, place: Place, file_no: int | None) -> None:
    """Make version `file_no` of an entity's place the current one, or none, in the caller's transaction."""
    connection.execute(
        "UPDATE main.input_file SET is_current = (file_no IS NOT DISTINCT FROM $file_no) "
        "WHERE entity = $entity AND site = $site AND delivery = $delivery AND path = $path",
        {"entity": entity, "file_no": file_no, **dict(zip(("site", "delivery", "path"), place, strict=True))},
    )


def remove(connection: duckdb.DuckDBPyConnection, entity: str, file_no: int) -> None:
    """Delete a version and its rows, to be read again, in the caller's transaction."""
    known = connection.execute("DELETE FROM main.input_file WHERE file_no = $file_no", {"file_no": file_no}).fetchone()
    if known and known[0]:
        connection.execute(f'DELETE FROM raw."{entity}" WHERE file_no = $file_no', {"file_no": file_no})
        connection.execute("DELETE FROM main.erased WHERE file_no = $file_no", {"file_no": file_no})


def enter(connection: duckdb.DuckDBPyConnection, loaded: Iterable[Loaded]) -> None:
    """Enter loaded files as the current versions of their places, in the caller's transaction."""
    rows = [
        {
            "file_no": entry.file_no,
            "file_id": entry.file_id,
            "site": entry.file.site,
            "delivery": entry.file.delivery,
            "entity": entry.file.entity,
            "path": entry.file.path,
            "format": entry.file.format,
            "sha256": entry.file.sha256,
            "n_rows": entry.reading.counts.n_rows,
            "is_current": True,
            "columns": json.dumps(_columns(entry.reading.header), ensure_ascii=False),
            "n_malformed": entry.reading.counts.n_malformed,
            "read_as": entry.read_as,
            "cells_per_record": entry.reading.header.cells_per_record,
            "keys_composed": entry.reading.header.is_key_composed,
        }
        for entry in loaded
    ]
    connection.execute(
        """
        INSERT INTO main.input_file BY NAME
        SELECT unnest(row, recursive := true), now()::TIMESTAMP AS loaded_at
        FROM (SELECT unnest($rows) AS row)
        """,
        {"rows": rows},
    )


def _columns(header: Header) -> dict[str, str | None]:
    """A file's headers with their meanings; a test's column means values of its code. Ignored columns are left out."""
    named = zip(header.names, header.targets, strict=True)
    meanings = {name: target for name, target in named if target != IGNORE}
    return meanings | {header.names[position]: f"value of {test.code}" for position, test in header.tests}


def retractions(connection: duckdb.DuckDBPyConnection) -> set[tuple[str, str, str | None]]:
    """Every retracted place, without a path for a whole month. Empty in a vault that an earlier version created."""
    with suppress(duckdb.CatalogException):
        return set(connection.execute("SELECT site, delivery, path FROM main.retraction").fetchall())
    return set()


def is_retracted(retracted: set[tuple[str, str, str | None]], place: Place) -> bool:
    """Is this file, or its whole month, retracted?"""
    return place in retracted or (*place[:2], None) in retracted


def future_months(settings: Settings) -> list[str]:
    """SITE/MONTH of current files after the present month, which were loaded before these were refused."""
    if not settings.raw_db.exists():
        return []
    with connect_vault(settings, read_only=True) as connection:
        retracted = retractions(connection)
        places = connection.execute(
            "SELECT site, delivery, path FROM main.input_file WHERE is_current AND delivery > $1",
            [present_month(settings)],
        ).fetchall()
    return sorted({f"{place[0]}/{place[1]}" for place in places if not is_retracted(retracted, place)})


def ledger_fingerprint(settings: Settings) -> str:
    """SHA-256 (hex) of the place, bytes, reading and status of every version, independent of the order of loading.

    It includes retracted places, so that a retraction, or undoing one, requires a refresh.
    """
    if not settings.raw_db.exists():
        return hashlib.sha256().hexdigest()
    with connect_vault(settings, read_only=True) as connection:
        rows = connection.execute(
            "SELECT site, delivery, path, sha256, read_as, is_current FROM main.input_file"
        ).fetchall()
        rows += [("retracted", *place) for place in retractions(connection)]
    lines = sorted("\x1f".join(map(str, row)) for row in rows)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
