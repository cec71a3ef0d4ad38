"""A home with a few delivered files, for the tests of ingest."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from registry import ingest
from registry.config.settings import Settings, load_settings
from registry.ingest import LoadResult
from registry.vault.database import connect_vault

LAB_HEADER = "result_id,patient_id,test_code,value,unit,collected_at"
SMALL = 2**20
"""`small_file` for files split in Python (the default)."""
LARGE = 0
"""`small_file` that sends every file to DuckDB."""

BOTH_WAYS = pytest.mark.parametrize("small_file", [SMALL, LARGE], ids=["python", "duckdb"])
LAB_PLACE = "udine/2024-01/lab_results.csv"


def lab(*rows: str) -> str:
    """A CSV file of these lab_results."""
    return "\n".join([LAB_HEADER, *rows]) + "\n"


class Home:
    """One registry home under a test's own folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def settings(self) -> Settings:
        return load_settings(home=self.folder)

    def deliver(self, place: str, content: str | bytes) -> Path:
        """Write `<site>/<month>/<file>` (or a site.yml, or registry.yml) below the deliveries."""
        path = self.folder / "deliveries" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def load(self, entity: str = "lab_results", small_file: int = SMALL, through: str | None = None) -> LoadResult:
        settings = load_settings(home=self.folder, through=through)
        return ingest.load_entity(settings, entity, ingest.discover(settings), small_file=small_file)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with connect_vault(self.settings, read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def rows(self, entity: str = "lab_results", columns: Sequence[str] = ("*",)) -> list[tuple[Any, ...]]:
        """Rows of raw in the order of file and record, without the file's number."""
        selected = "* EXCLUDE (file_no)" if tuple(columns) == ("*",) else ", ".join(columns)
        return self.query(f'SELECT {selected} FROM raw."{entity}" ORDER BY file_no, record_number')

    def cells(self) -> list[tuple[Any, ...]]:
        """What the tests of CSV look at: record, key, value and malformed text of each lab result."""
        return self.rows(columns=("record_number", "result_id", "value", "malformed"))
