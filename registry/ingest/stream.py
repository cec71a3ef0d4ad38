"""Read a delivered text file as UTF-8 pieces that end at a line end, and hash it on the way.

Unpacks gzip and converts encodings, in bounded memory. So exactly the hashed bytes are loaded. A byte that is invalid
in the encoding becomes a lone surrogate, by which registry/ingest/records.py recognises a malformed record.
"""

from __future__ import annotations

import codecs
import gzip
import hashlib
import io
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

from registry.errors import UserError
from registry.ingest.bounds import check_unpacked
from registry.ingest.records import MAX_RECORD

PIECE_BYTES = 32 * 2**20
_PACKED_BYTES = 8192
"""Bytes read at once from a gzip file: Python 3.12 requests far more than it unpacks, so the limit would act late."""
_MARK = "registry-mark"
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_FIRST_LINE_END = re.compile(r'(?:[^"\r\n]++|"[^"]*+(?:"|$))*+(\r\n|\r|\n)')


def _mark_undecodable(error: UnicodeError) -> tuple[str, int]:
    """Decode each invalid byte as U+DC00 + byte; unlike `surrogateescape`, this works for any codec and byte."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(chr(0xDC00 + byte) for byte in error.object[error.start : error.end]), error.end


codecs.register_error(_MARK, _mark_undecodable)


class _HashingReader(io.RawIOBase):
    """Reads a file, at most `most` bytes at once, and hashes it."""

    def __init__(self, path: Path, most: int | None) -> None:
        super().__init__()
        self._most = most
        self._file = path.open("rb", buffering=0)
        self.digest = hashlib.sha256()
        self.n_read = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        part = memoryview(buffer)[: self._most]
        count = self._file.readinto(part) or 0
        self.digest.update(part[:count])
        self.n_read += count
        return count

    def close(self) -> None:
        self._file.close()
        super().close()


class TextStream:
    """One delivered text file. Read `header` first, then `pieces`; `sha256` is known at the end.

    `where` names the file in messages. Raises UserError if the file can't be opened or unpacked, or has no header.
    """

    def __init__(self, path: Path, encoding: str, where: str, piece_bytes: int = PIECE_BYTES) -> None:
        self._where = where
        self._piece_bytes = piece_bytes
        packed = path.name.lower().endswith(".gz")
        try:
            self._source = _HashingReader(path, _PACKED_BYTES if packed else None)
        except OSError as error:
            raise UserError(f"{where} can't be read: {error.strerror}") from None
        self._reader: io.BufferedIOBase = (
            gzip.GzipFile(fileobj=self._source) if packed else io.BufferedReader(self._source, 2**20)
        )
        self._encoding = encoding
        self._decoder: codecs.IncrementalDecoder | None = None
        self._held = b""
        self._unpacked = 0
        self.line_end = "\n"

    def __enter__(self) -> TextStream:
        return self

    def __exit__(self, *_: object) -> None:
        self._source.close()

    @property
    def sha256(self) -> str:
        """Hash of the delivered bytes, known after the last piece."""
        return self._source.digest.hexdigest()

    def decode(self, data: bytes) -> str:
        """A piece as text, with undecodable bytes as lone surrogates."""
        if self._decoder is not None:
            return data.decode("utf-8", "surrogatepass")
        return data.decode("utf-8", _MARK)

    def encode(self, text: str) -> bytes:
        """Turn text from `decode` back into a piece."""
        # `surrogateescape` uses the same U+DC80 + n for bytes that are not UTF-8, so it restores them.
        return text.encode("utf-8", "surrogatepass" if self._decoder else "surrogateescape")

    def first_text(self) -> str:
        """The beginning of the file, without its byte order mark; does not consume it."""
        start = self._read()
        for bom, encoding in _BOMS:
            if start.startswith(bom):
                self._encoding = encoding
                start = start[len(bom) :] if encoding == "utf-8" else start
                break
        if codecs.lookup(self._encoding).name not in ("utf-8", "utf-8-sig"):
            self._decoder = codecs.getincrementaldecoder(self._encoding)(_MARK)
            start = self._converted(start)
        self._held = start
        text = self.decode(start[: 4 * MAX_RECORD])
        line = _FIRST_LINE_END.match(text)
        self.line_end = "\r" if line and line[1] == "\r" else "\n"
        return text

    def skip(self, text: str) -> None:
        """Skip the header, `text` from the beginning of `first_text`, in the pieces."""
        self._held = self._held[len(self.encode(text)) :]

    def pieces(self) -> Iterator[tuple[bytes, bool]]:
        """UTF-8 pieces in order, each ending at a line end, with a flag for the last one."""
        line_end = self.line_end.encode()
        held, self._held = self._held, b""
        while True:
            cut = held.rfind(line_end) + 1
            if cut:
                yield held[:cut], False
                held = held[cut:]
            if len(held) > 4 * MAX_RECORD + self._piece_bytes:
                raise UserError(f"{self._where}: no line end within {len(held)} bytes: is this a text file?")
            chunk = self._read()
            if not chunk:
                break
            held += self._converted(chunk)
        if self._decoder is not None:
            held += self.encode(self._decoder.decode(b"", final=True))
        yield held, True

    def _converted(self, chunk: bytes) -> bytes:
        if self._decoder is None:
            return chunk
        try:
            return self.encode(self._decoder.decode(chunk))
        except UnicodeError:
            raise UserError(
                f"{self._where}: no byte order mark, without which {self._encoding} can't be read: set csv.encoding in "
                f"site.yml to {self._encoding}-le or {self._encoding}-be"
            ) from None

    def _read(self) -> bytes:
        try:
            piece = self._reader.read(self._piece_bytes)
        except (EOFError, zlib.error, gzip.BadGzipFile):
            raise UserError(f"{self._where}: incomplete gzip file, cut off or damaged; send it again") from None
        except OSError as error:
            raise UserError(f"{self._where} can't be read: {error.strerror}") from None
        self._unpacked += len(piece)
        check_unpacked(self._source.n_read, self._unpacked, self._where)
        return piece
