"""Data queries: files of quarantined rows to send back to their site, in its own format, with the reasons.

One file for each delivered file, with only its quarantined records, as they were sent. The files identify patients:
they are readable only by their owner, and go only to the site that sent the records.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

import duckdb

from registry.config.input_contract import ENTITIES, entity_named
from registry.config.settings import Settings
from registry.config.site import SiteProfile
from registry.curation.quarantine import QuarantinedRow, connect_built, reasons
from registry.errors import UserError
from registry.ingest import load_profiles
from registry.system.spreadsheet import harmless
from registry.vault.database import private_files

OUR_COLUMNS = ("record", "reasons", "what to do")
"""The columns before the site's own."""
AS_SENT = "record as sent"
"""The column for a record that could not be split into cells."""


def write_data_queries(settings: Settings, held: Iterable[QuarantinedRow], out: Path) -> list[Path]:
    """Write <out>/<site>/<delivery>/<file>_held_back.csv for every file with records in `held`; returns the files.

    A workbook not named after its entity gives one file for each of its entities: <file>_<entity>_held_back.csv.

    Cells are text as loaded, escaped so that no spreadsheet reads a formula; delimiter and encoding are those of the
    site's profile (UTF-8 with a byte order mark, so that spreadsheets recognise it).

    Raises:
        UserError: if `out` is inside the deliveries (it would be delivered again), is not new, or can't be written.
    """
    if out.resolve().is_relative_to(settings.deliveries.resolve()):
        raise UserError(f"{out} is inside the deliveries, where it would be loaded again: choose another folder")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out} exists already: name a new folder")
    profiles = load_profiles(settings)
    with connect_built(settings) as connection, private_files():
        return [
            _write_file(connection, profiles.get(place[0], SiteProfile()), list(records), out)
            for place, records in groupby(held, key=lambda r: (r.site, r.delivery, r.file, r.entity))
        ]


def _write_file(
    connection: duckdb.DuckDBPyConnection, profile: SiteProfile, records: list[QuarantinedRow], out: Path
) -> Path:
    first = records[0]
    # a workbook may hold several entities
    name = first.file if entity_named(first.file) == first.entity else f"{first.file}_{first.entity}"
    path = out / first.site / first.delivery / f"{name}_held_back.csv"
    header = _header(connection, first)
    encoding = "utf-8-sig" if profile.csv.encoding.lower().replace("_", "-") == "utf-8" else profile.csv.encoding
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding=encoding, errors="backslashreplace", newline="") as file:
            writer = csv.writer(file, delimiter=profile.csv.delimiter)
            writer.writerow([harmless(name) for name in (*OUR_COLUMNS, *header, AS_SENT)])
            rows = _rows(connection, list(header.values()), list(header), records)
            writer.writerows([harmless(cell) for cell in row] for row in rows)
    except OSError as error:
        raise UserError(f"{path} can't be written: {error.strerror}") from None
    return path


def _header(connection: duckdb.DuckDBPyConnection, record: QuarantinedRow) -> dict[str, str | None]:
    """The file's own columns in order → the contract's column, or None if it is unknown.

    For a wide laboratory table the contract's columns: one test of a record is quarantined, not the record.
    """
    row = connection.execute(
        "SELECT columns FROM input_file WHERE file_no = $file_no", {"file_no": record.file_no}
    ).fetchone()
    own: dict[str, str | None] = json.loads(row[0]) if row else {}
    contract = ENTITIES[record.entity].columns
    is_long = all(target is None or target.partition(".")[0] in contract for target in own.values())
    return own if is_long else {column: column for column in contract}


def _rows(
    connection: duckdb.DuckDBPyConnection, targets: list[str | None], names: list[str], records: list[QuarantinedRow]
) -> Iterator[list[object]]:
    """The records as rows of the file, in order."""
    meanings = reasons()
    entity = ENTITIES[records[0].entity]
    why = {record.row_number: record for record in records}
    selected = ", ".join(f'"{column}"' for column in entity.columns)
    cursor = connection.execute(
        f'SELECT record_number, extra, malformed, {selected} FROM raw."{entity.name}" '
        "WHERE file_no = $file_no AND list_contains($numbers, record_number) ORDER BY record_number",
        {"file_no": records[0].file_no, "numbers": list(why)},
    )
    for number, extra, malformed, *cells in cursor.fetchall():
        sent = dict(zip(entity.columns, cells, strict=True))
        named = zip(names, targets, strict=True)
        own = [sent[target] if target in sent else (extra or {}).get(name) for name, target in named]
        row = why[number]
        yield [row.record, " ".join(row.reasons), row.why(meanings), *own, malformed]
