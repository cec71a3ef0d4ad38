"""Read one delivered file into raw, by its format, in the loader's transaction.

Every reader checks that the bytes it read are those that were hashed when the file was found.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from pathlib import Path

import duckdb

from registry.config.input_contract import ENTITIES
from registry.config.site import PROFILE_NAME, SiteProfile
from registry.config.terminology import folded_word
from registry.config.yaml_file import mistake_in, nearest
from registry.errors import UserError
from registry.ingest.bulk import load_parquet
from registry.ingest.csv_file import read_csv_file
from registry.ingest.deliveries import DeliveredFile
from registry.ingest.excel import read_workbook
from registry.ingest.header import Header, require_columns
from registry.ingest.parquet import holds_days, parquet_header, parquet_records, unreadable
from registry.ingest.sheet import Sheet, open_workbook
from registry.ingest.staging import Counts
from registry.ingest.target import LoadContext, LoadStrategy, ReadResult
from registry.ingest.wide import rows_of
from registry.system import memory


def read_file(
    target: LoadContext, file: DeliveredFile, profile: SiteProfile, file_no: int, way: LoadStrategy
) -> ReadResult:
    """Read one file into raw as number `file_no`.

    Raises UserError if it can't be read or lacks a column; duckdb.Error or NotPlainError if a fast strategy failed.
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


def _read_xlsx(target: LoadContext, file: DeliveredFile, profile: SiteProfile, file_no: int, data: bytes) -> ReadResult:
    own_names, tests = profile.column_names(file.entity), profile.wide_tests(file.entity)
    key = profile.composed_key(file.entity)
    sheets = open_workbook(data, file.where)
    chosen = _chosen(file, profile, sheets)
    workbook = read_workbook(chosen, ENTITIES[file.entity], own_names, tests, key, profile.csv.decimal, file.where)
    rows = rows_of(workbook.header, profile)
    counts = Counts()
    for records in workbook.sheets:
        rows.begin_sheet()
        counts += target.staging.add(file_no, rows.header, rows.of(records), rows.cancelled)
    require_columns(workbook.header, counts.n_not_cancelled, file.where)
    target.staging.load(target.connection)
    if not profile.sheets_of(file.path):
        return ReadResult(workbook.header, counts, workbook.unread_sheets)
    if workbook.unread_sheets:
        raise UserError(
            f"{file.where}, sheet {workbook.unread_sheets[0]}: no header of {file.entity}: put it within the first "
            "rows, or correct site.yml (sheets)"
        )
    said = {name.casefold() for name in profile.sheets_of(file.path)}
    unread = (sheet.number for sheet in sheets if sheet.name.strip().casefold() not in said and not sheet.is_empty)
    return ReadResult(workbook.header, counts, tuple(unread))


def _chosen(file: DeliveredFile, profile: SiteProfile, sheets: list[Sheet]) -> list[Sheet]:
    """The sheets that may contain the file's entity: those named in site.yml, else all."""
    said = profile.sheets_of(file.path)
    names = [sheet.name.strip() for sheet in sheets]
    folded = [name.casefold() for name in names]
    for name in said:
        if name.casefold() not in folded:
            raise mistake_in(
                file.absolute.parent.parent / PROFILE_NAME,
                ("sheets", profile.name_of_workbook(file.path), name),
                f"{file.where} has no such sheet{nearest(name, names)}",
            )
    mine = {name.casefold() for name, entity in said.items() if entity == file.entity}
    return [sheet for sheet, name in zip(sheets, folded, strict=True) if name in mine or not said]


def _read_parquet(
    target: LoadContext, file: DeliveredFile, profile: SiteProfile, file_no: int, content: Path
) -> ReadResult:
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
    except duckdb.Error as error:
        if memory.ran_out(error):
            raise
        raise unreadable(file.where) from None
    require_columns(header, counts.n_not_cancelled, file.where)
    return ReadResult(header, counts)


def _n_not_cancelled(
    target: LoadContext, file: DeliveredFile, file_no: int, header: Header, cancelled: Collection[str]
) -> int:
    """Rows of a loaded file that are not cancelled; counted only if a required column is missing."""
    if not header.lacks_required:
        return 0
    found = target.connection.execute(
        f"SELECT coalesce(status, ''), count(*) FROM raw.\"{file.entity}\" WHERE file_no = $file_no GROUP BY ALL",
        {"file_no": file_no},
    ).fetchall()
    return sum(n_rows for status, n_rows in found if folded_word(status) not in cancelled)
