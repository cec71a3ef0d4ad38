"""One delivered file into raw or into staging, by its format. The transaction around it is the loader's.

Every reader checks that the bytes it read are those that were hashed when the file was found.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

import duckdb

from registry.contract import BLANKS, ENTITIES
from registry.errors import UserError
from registry.ingest.bulk import CsvBulk, load_parquet
from registry.ingest.deliveries import DeliveredFile
from registry.ingest.excel import read_workbook
from registry.ingest.header import Header, read_header, require_columns
from registry.ingest.parquet import parquet_header, unreadable
from registry.ingest.records import Dialect, RecordReader, first_record
from registry.ingest.staging import Counts, Staging
from registry.ingest.stream import PIECE_BYTES, TextStream
from registry.site_profile import SiteProfile


class Way(Enum):
    """How a CSV file gets into raw: left in staging, split in Python, or by DuckDB where it can."""

    STAGE = auto()
    EXACT = auto()
    BULK = auto()


@dataclass(frozen=True)
class Target:
    """Where rows go: the vault's connection, the staging file, and a private folder for pieces."""

    connection: duckdb.DuckDBPyConnection
    staging: Staging
    folder: Path
    piece_bytes: int = PIECE_BYTES


def read_file(
    target: Target, file: DeliveredFile, profile: SiteProfile, file_no: int, way: Way
) -> tuple[Header, Counts]:
    """Read one file into raw as number `file_no`; its columns and counts.

    Raises UserError where it can't be read or lacks a column; duckdb.Error where Way.BULK came to grief.
    """
    if file.format == "csv":
        return _read_csv(target, file, profile, file_no, way)
    content = target.folder / "content"
    try:
        data = file.absolute.read_bytes()
    except OSError as error:
        raise UserError(f"{file.where} can't be read: {error.strerror}") from None
    _check_unchanged(file, hashlib.sha256(data).hexdigest())
    if file.format == "xlsx":
        return _read_xlsx(target, file, profile, file_no, data)
    content.write_bytes(data)
    try:
        return _read_parquet(target, file, profile, file_no, content)
    finally:
        content.unlink()


def _read_csv(
    target: Target, file: DeliveredFile, profile: SiteProfile, file_no: int, way: Way
) -> tuple[Header, Counts]:
    delimiter = profile.csv.delimiter
    with TextStream(
        file.absolute, profile.csv.encoding, file.where, target.piece_bytes
    ) as stream:
        header = _csv_header(stream, file, profile)
        dialect = Dialect(delimiter, stream.line_end, header.width)
        reader = RecordReader(dialect, file.where)
        bulk = None
        if way is Way.BULK and not header.lacks_required:
            bulk = CsvBulk(target.connection, target.folder, header, dialect)
        counts, rest = Counts(), b""
        for piece, is_last in stream.pieces():
            data, rest = rest + piece, b""
            if not data:
                continue
            first = counts.n_rows + 1
            n_rows = bulk.load(data, file_no, first) if bulk else None
            if n_rows is not None:
                counts += Counts(n_rows)
                continue
            records = reader.records(stream.decode(data), is_last)
            counts += target.staging.add(file_no, header, records, first)
            rest = stream.encode(reader.rest)
            if way is not Way.STAGE:
                target.staging.load(target.connection)
    _check_unchanged(file, stream.sha256)
    require_columns(header, counts.n_not_cancelled, file.where)
    return header, counts


def _csv_header(stream: TextStream, file: DeliveredFile, profile: SiteProfile) -> Header:
    text = stream.first_text()
    first = first_record(text, profile.csv.delimiter, stream.line_end)
    if first is None:
        raise UserError(f"{file.where}: empty, without even a header: send it again")
    cells, end = first
    if any("\ud800" <= character <= "\udfff" for cell in cells for character in cell):
        raise UserError(
            f"{file.where}: the header is not {profile.csv.encoding}: set csv.encoding in site.yml "
            "(latin-1, cp1252, utf-16)"
        )
    own_names = profile.column_names(file.entity)
    header = read_header(ENTITIES[file.entity], cells, own_names, file.where)
    stream.skip(text[:end])
    return header


def _read_xlsx(
    target: Target, file: DeliveredFile, profile: SiteProfile, file_no: int, data: bytes
) -> tuple[Header, Counts]:
    own_names = profile.column_names(file.entity)
    header, records = read_workbook(
        data, ENTITIES[file.entity], own_names, profile.csv.decimal, file.where
    )
    counts = target.staging.add(file_no, header, records)
    require_columns(header, counts.n_not_cancelled, file.where)
    target.staging.load(target.connection)
    return header, counts


def _read_parquet(
    target: Target, file: DeliveredFile, profile: SiteProfile, file_no: int, content: Path
) -> tuple[Header, Counts]:
    own_names = profile.column_names(file.entity)
    header, types = parquet_header(
        target.connection, content, ENTITIES[file.entity], own_names, file.where
    )
    try:
        n_rows = load_parquet(
            target.connection, content, header, types, profile.csv.decimal, file_no
        )
    except duckdb.Error:
        raise unreadable(file.where) from None
    if header.lacks_required:
        row = target.connection.execute(
            f'SELECT count(*) FROM raw."{file.entity}" WHERE file_no = $file_no '
            "AND lower(trim(status, $blanks)) IS DISTINCT FROM 'cancelled'",
            {"file_no": file_no, "blanks": BLANKS},
        ).fetchone()
        require_columns(header, int(row[0]) if row else 1, file.where)
    return header, Counts(n_rows)


def _check_unchanged(file: DeliveredFile, sha256: str) -> None:
    if sha256 != file.sha256:
        raise UserError(f"{file.where} was changed while it was read: run again when it is complete")
