"""Load one delivered CSV file into raw: plain pieces with DuckDB, the others record by record."""

from __future__ import annotations

import re
from collections.abc import Iterable
from concurrent.futures import Executor, Future, ThreadPoolExecutor

from registry.config.input_contract import ENTITIES
from registry.config.site import SiteProfile
from registry.errors import UserError
from registry.ingest.bulk import CsvBulk, PlainPiece, count_lines
from registry.ingest.deliveries import DeliveredFile
from registry.ingest.header import Header, read_header, require_columns
from registry.ingest.records import Dialect, RecordReader, first_record
from registry.ingest.staging import Counts
from registry.ingest.stream import TextStream
from registry.ingest.surplus import WITH_DECIMALS, with_surplus
from registry.ingest.target import LoadContext, LoadStrategy, ReadResult
from registry.ingest.wide import Row, Rows, rows_of

_NAMED_DELIMITER = re.compile(r'\s*"?sep=([^\w\s"]|\t)"?(?:\1|[ \t])*(?:\r\n|\r|\n|$)', re.IGNORECASE)


def read_csv_file(
    target: LoadContext, file: DeliveredFile, profile: SiteProfile, file_no: int, way: LoadStrategy
) -> ReadResult:
    """Read the file into raw (with LoadStrategy.STAGE: into staging) as number `file_no`."""
    stream = TextStream(file.absolute, profile.csv.encoding, file.where, target.piece_bytes)
    with stream:
        header, dialect = _read_header(stream, file, profile)
        with ThreadPoolExecutor(1) as beside:
            rows = rows_of(header, profile)
            load = _CsvLoad(target, stream, rows, header, dialect, file_no, way, file.where, beside)
            for piece, is_last in stream.pieces():
                load.take(piece, is_last)
            load.finish()
    file.check_unchanged(stream.sha256)
    require_columns(header, load.counts.n_not_cancelled, file.where)
    return ReadResult(header, load.counts)


def _read_header(stream: TextStream, file: DeliveredFile, profile: SiteProfile) -> tuple[Header, Dialect]:
    """The file's columns and how its lines are split: by the site's delimiter, or the one of a first line `sep=;`."""
    text = stream.first_text()
    named = _NAMED_DELIMITER.match(text)
    delimiter, start = (named[1], named.end()) if named else (profile.csv.delimiter, 0)
    first = first_record(text[start:], delimiter, stream.line_end)
    if first is None:
        raise UserError(f"{file.where}: the file is empty and has no header: send it again")
    cells, end = first
    if any("\ud800" <= character <= "\udfff" for cell in cells for character in cell):
        raise UserError(
            f"{file.where}: the header is not valid {profile.csv.encoding}: set csv.encoding in site.yml "
            "(latin-1, cp1252, utf-16)"
        )
    entity = ENTITIES[file.entity]
    own_names, tests = profile.column_names(entity.name), profile.wide_tests(entity.name)
    header = read_header(entity, cells, own_names, file.where, tests, profile.composed_key(entity.name))
    lead = text[: start + end]
    stream.skip(lead)
    dialect = Dialect(delimiter, stream.line_end, header.width, len(cells) - header.width)
    numbers = [p for p in map(header.position, WITH_DECIMALS) if p is not None] + [p for p, _ in header.tests]
    return header, with_surplus(dialect, file.absolute, profile.csv.encoding, lead, numbers, file.where)


class _CsvLoad:
    """Loads the pieces of one file in order: plain ones are collected for DuckDB, the others split in Python.

    DuckDB loads in the thread `beside` while this thread reads, hashes and checks the next pieces. Only one of the two
    writes at a time.
    """

    def __init__(
        self,
        target: LoadContext,
        stream: TextStream,
        rows: Rows,
        header: Header,
        dialect: Dialect,
        file_no: int,
        way: LoadStrategy,
        where: str,
        beside: Executor,
    ) -> None:
        self.counts = Counts()
        self._target = target
        self._stream = stream
        self._rows = rows
        self._file_no = file_no
        self._way = way
        self._reader = RecordReader(dialect, where)
        self._held: list[PlainPiece] = []
        self._rest = b""
        self._beside = beside
        self._loading: Future[None] | None = None
        self._bulk = None
        # With one column, a blank cell looks like an empty line; a file without required columns needs each status;
        # cells that are split up or made of others are read in Python.
        if (
            way in (LoadStrategy.BULK, LoadStrategy.SIEVE)
            and header.width > 1
            and not header.lacks_required
            and header.is_cell_by_cell
        ):
            self._bulk = CsvBulk(target.connection, target.folder, header, dialect)

    def take(self, piece: bytes, is_last: bool) -> None:
        """Load the next piece; pieces for DuckDB wait until there are enough for its threads."""
        data, self._rest = self._rest + piece, b""
        if data and self._bulk:
            self._held.append(self._plain_piece(self._bulk, data, is_last))
        elif data:
            text = self._stream.decode(data)
            self._stage(self._rows.of(self._reader.records(text, is_last)))
            self._rest = self._stream.encode(self._reader.rest)
        if self._bulk and (is_last or len(self._held) == self._target.threads):
            self.finish()
            pieces, self._held = self._held, []
            self._loading = self._beside.submit(self._load_plain, self._bulk, pieces)

    def finish(self) -> None:
        """Wait until everything is loaded. Raises what the loading raised."""
        if self._loading:
            self._loading.result()

    def _plain_piece(self, bulk: CsvBulk, data: bytes, is_last: bool) -> PlainPiece:
        """Split a piece into lines of one valid record and irregular records; an unfinished record stays for later."""
        if self._way is LoadStrategy.BULK and bulk.takes(data):
            return PlainPiece(data, count_lines(data))
        lines, odd = self._reader.sieve(self._stream.decode(data), is_last, bulk.stand_in)
        self._rest = self._stream.encode(self._reader.rest)
        return PlainPiece("\n".join(lines).encode(), len(lines), odd)

    def _load_plain(self, bulk: CsvBulk, pieces: list[PlainPiece]) -> None:
        """Load plain lines with DuckDB, and the irregular records between them through staging."""
        first = self.counts.n_rows + 1
        self.counts += Counts(bulk.load(pieces, self._file_no, first))
        for piece in pieces:
            self._stage((first + index, record) for index, record in piece.odd)
            first += piece.n_records

    def _stage(self, rows: Iterable[Row]) -> None:
        self.counts += self._target.staging.add(self._file_no, self._rows.header, rows, self._rows.cancelled)
        if self._way is not LoadStrategy.STAGE:
            self._target.staging.load(self._target.connection)
