"""What every reader of a file writes to, and how far it goes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

import duckdb

from registry.ingest.staging import Staging
from registry.ingest.stream import PIECE_BYTES


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
    threads: int = 2
    piece_bytes: int = PIECE_BYTES
