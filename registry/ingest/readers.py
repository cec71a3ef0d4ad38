"""One delivered file into raw, by its format. The transaction around it is the loader's.

Every reader checks that the bytes it read are those that were hashed when the file was found.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from pathlib import Path

import duckdb

from registry.contract import ENTITIES
from registry.errors import UserError
from registry.ingest.bulk import load_parquet
from registry.ingest.csv_file import read_csv_file
from registry.ingest.deliveries import DeliveredFile
from registry.ingest.excel import read_workbook
from registry.ingest.header import Header, require_columns
from registry.ingest.parquet import holds_days, parquet_header, parquet_records, unreadable
from registry.ingest.staging import Counts
from registry.ingest.target import Reading, Target, Way
from registry.ingest.wide import rows_of
from registry.site_profile import SiteProfile
from registry.vocabulary import folded_word


def read_file(target: Target, file: DeliveredFile, profile: SiteProfile, file_no: int, way: Way) -> Reading:
    """Read one file into raw as number `file_no`.

    Raises UserError where it can't be read or lacks a column; duckdb.Error or NotPlainError where a fast way failed.
    """
    if file.format == "csv":
        return read_csv_file(target, file, profile, file_no, way)
    try:
        data = file.absolute.read_bytes()
    except OSError as error:
        raise UserError(f"{file.where} can't be read: {error.strerror}") from None
    file.check_unchanged(hashlib.sha256(data).hexdigest())
    if file.format == "xlsx":
        return _read_xlsx(target, file, profile, file_no, data)
    content = target.folder / "content.parquet"
    content.write_bytes(data)
    try:
        return _read_parquet(target, file, profile, file_no, content)
    finally:
        content.unlink()


def _read_xlsx(target: Target, file: DeliveredFile, profile: SiteProfile, file_no: int, data: bytes) -> Reading:
    own_names, tests = profile.column_names(file.entity), profile.wide_tests(file.entity)
    key = profile.composed_key(file.entity)
    workbook = read_workbook(data, ENTITIES[file.entity], own_names, tests, key, profile.csv.decimal, file.where)
    rows = rows_of(workbook.header, profile)
    counts = Counts()
    for records in workbook.sheets:
        rows.begin_sheet()
        counts += target.staging.add(file_no, rows.header, rows.of(records), rows.cancelled)
    require_columns(workbook.header, counts.n_not_cancelled, file.where)
    target.staging.load(target.connection)
    return Reading(workbook.header, counts, workbook.unread_sheets)


def _read_parquet(target: Target, file: DeliveredFile, profile: SiteProfile, file_no: int, content: Path) -> Reading:
    own_names, tests = profile.column_names(file.entity), profile.wide_tests(file.entity)
    key = profile.composed_key(file.entity)
    header, types = parquet_header(target.connection, content, ENTITIES[file.entity], own_names, tests, key, file.where)
    try:
        if not header.is_cell_by_cell:
            rows = rows_of(header, profile, holds_days(target.connection, content, header, types))
            records = parquet_records(target.connection, content, header, types, profile.csv.decimal)
            counts = target.staging.add(file_no, rows.header, rows.of(records), rows.cancelled)
            target.staging.load(target.connection)
        else:
            n_rows = load_parquet(target.connection, content, header, types, profile.csv.decimal, file_no)
            counts = Counts(
                n_rows, n_not_cancelled=_n_not_cancelled(target, file, file_no, header, profile.cancelled_words)
            )
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error:
        raise unreadable(file.where) from None
    require_columns(header, counts.n_not_cancelled, file.where)
    return Reading(header, counts)


def _n_not_cancelled(
    target: Target, file: DeliveredFile, file_no: int, header: Header, cancelled: Collection[str]
) -> int:
    """Rows of a loaded file that are not cancelled; looked at only where a required column is missing."""
    if not header.lacks_required:
        return 0
    found = target.connection.execute(
        f"SELECT coalesce(status, ''), count(*) FROM raw.\"{file.entity}\" WHERE file_no = $file_no GROUP BY ALL",
        {"file_no": file_no},
    ).fetchall()
    return sum(n_rows for status, n_rows in found if folded_word(status) not in cancelled)
