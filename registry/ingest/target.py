"""What every reader of a file writes to, how far it goes, and what it tells."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

import duckdb

from registry.ingest.header import Header
from registry.ingest.staging import Counts, Staging
from registry.ingest.stream import PIECE_BYTES


class LoadStrategy(Enum):
    """How a CSV file gets into raw. The slower way follows where the faster one fails."""

    BULK = auto()
    """By DuckDB, pieces with odd records sieved first."""
    SIEVE = auto()
    """By DuckDB, every piece sieved first."""
    EXACT = auto()
    """Split in Python."""
    STAGE = auto()
    """Split in Python and left in staging, to be loaded with other files."""


@dataclass(frozen=True)
class LoadContext:
    """Where rows go: the vault's connection, the staging file, and a private folder for pieces."""

    connection: duckdb.DuckDBPyConnection
    staging: Staging
    folder: Path
    threads: int = 2
    piece_bytes: int = PIECE_BYTES


@dataclass(frozen=True)
class ReadResult:
    """What was read of one file. `unread_sheets`: numbers (1 = first) of a workbook's sheets that hold other things."""

    header: Header
    counts: Counts
    unread_sheets: tuple[int, ...] = ()
