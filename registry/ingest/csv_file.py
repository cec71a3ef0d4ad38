"""One delivered CSV file into raw: by DuckDB where its pieces are plain, record by record where they are not."""

from __future__ import annotations

from registry.contract import ENTITIES
from registry.errors import UserError
from registry.ingest.bulk import CsvBulk
from registry.ingest.deliveries import DeliveredFile
from registry.ingest.header import Header, read_header, require_columns
from registry.ingest.records import Dialect, RecordReader, first_record
from registry.ingest.staging import Counts
from registry.ingest.stream import TextStream
from registry.ingest.target import Target, Way
from registry.site_profile import SiteProfile


def read_csv_file(
    target: Target, file: DeliveredFile, profile: SiteProfile, file_no: int, way: Way
) -> tuple[Header, Counts]:
    """Read the file into raw (or, with Way.STAGE, into staging) as number `file_no`; its columns and counts."""
    stream = TextStream(file.absolute, profile.csv.encoding, file.where, target.piece_bytes)
    with stream:
        header = _read_header(stream, file, profile)
        load = _CsvLoad(target, stream, header, profile.csv.delimiter, file_no, way, file.where)
        for piece, is_last in stream.pieces():
            load.take(piece, is_last)
    file.check_unchanged(stream.sha256)
    require_columns(header, load.counts.n_not_cancelled, file.where)
    return header, load.counts


def _read_header(stream: TextStream, file: DeliveredFile, profile: SiteProfile) -> Header:
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
    entity = ENTITIES[file.entity]
    header = read_header(entity, cells, profile.column_names(entity.name), file.where)
    stream.skip(text[:end])
    return header


class _CsvLoad:
    """The pieces of one file, in order: plain ones gathered for DuckDB, the others split in Python."""

    def __init__(
        self,
        target: Target,
        stream: TextStream,
        header: Header,
        delimiter: str,
        file_no: int,
        way: Way,
        where: str,
    ) -> None:
        self.counts = Counts()
        dialect = Dialect(delimiter, stream.line_end, header.width)
        self._target = target
        self._stream = stream
        self._header = header
        self._file_no = file_no
        self._way = way
        self._reader = RecordReader(dialect, where)
        self._plain: list[bytes] = []
        self._rest = b""
        self._bulk = None
        if way is Way.BULK and not header.lacks_required:  # those need each record's status
            self._bulk = CsvBulk(
                target.connection, target.folder, header, dialect, target.threads
            )

    def take(self, piece: bytes, is_last: bool) -> None:
        """Load the next piece; plain ones as soon as there are enough of them."""
        data, self._rest = self._rest + piece, b""
        if data and self._bulk and self._bulk.takes(data):
            self._plain.append(data)
            if is_last or len(self._plain) == self._bulk.n_pieces:
                self._load_plain(is_last)
            return
        self._load_plain(is_last and not data)
        self._split(data, is_last)

    def _load_plain(self, is_last: bool) -> None:
        """Load what is gathered; where DuckDB finds it not so plain, split it."""
        pieces, self._plain = self._plain, []
        if not pieces or not self._bulk:
            return
        n_rows = self._bulk.load(pieces, self._file_no, self.counts.n_rows + 1)
        if n_rows is not None:
            self.counts += Counts(n_rows)
            return
        for number, data in enumerate(pieces, start=1):
            rest, self._rest = self._rest, b""
            self._split(rest + data, is_last and number == len(pieces))

    def _split(self, data: bytes, is_last: bool) -> None:
        """Load a piece record by record; an unfinished one waits for the next piece."""
        data, self._rest = self._rest + data, b""
        if not data:
            return
        records = self._reader.records(self._stream.decode(data), is_last)
        first = self.counts.n_rows + 1
        self.counts += self._target.staging.add(self._file_no, self._header, records, first)
        self._rest = self._stream.encode(self._reader.rest)
        if self._way is not Way.STAGE:
            self._target.staging.load(self._target.connection)
