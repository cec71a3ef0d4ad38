"""What every reader of a file gets (context and strategy) and returns."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

import duckdb

from registry.ingest.header import Header
from registry.ingest.staging import Counts, Staging
from registry.ingest.stream import PIECE_BYTES


class LoadStrategy(Enum):
    """How a CSV file is loaded into raw. If a faster strategy fails, the next slower one is used."""

    BULK = auto()
    """By DuckDB; irregular records are split off only where needed."""
    SIEVE = auto()
    """By DuckDB; irregular records are split off from every piece."""
    EXACT = auto()
    """Split in Python."""
    STAGE = auto()
    """Split in Python and left in staging, to be loaded together with other files."""


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
    """What was read from one file. `unread_sheets`: numbers (1 = first) of a workbook's other non-empty sheets."""

    header: Header
    counts: Counts
    unread_sheets: tuple[int, ...] = ()
