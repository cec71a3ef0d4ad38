"""A warehouse's account of every delivered row, in the terms of `answer_key.json`, and the key's own."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb

from registry.config.settings import Settings

Answers = dict[str, set[tuple[Any, ...]]]
COUNTS = "delivered current superseded duplicate quarantined not_mapped".split()


def answers_of_key(out: Path) -> Answers:
    """What the key says, as sets of tuples."""
    key = json.loads((out / "answer_key.json").read_text(encoding="utf-8"))
    return {
        "files": {(row["file"], row["entity"], *(row[name] for name in COUNTS)) for row in key["files"]},
        "rows": {
            (row["file"], row["record"], row.get("test"), row["disposition"], ",".join(sorted(row["reasons"])))
            for row in key["rows"]
        },
        "emptied cells": _counted((row["file"], row["column"], row["defect"]) for row in key["emptied_cells"]),
        "emptied records": {(row["file"], row["record"], row["column"], row["defect"]) for row in key["emptied_cells"]},
        "contested": {(row["file"], row["record"]) for row in key["contested"]},
    }


def answers_of_warehouse(settings: Settings) -> Answers:
    """What the warehouse made of the same files."""
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        connection.execute(f"ATTACH '{settings.raw_db}' AS vault (READ_ONLY)")
        connection.execute(
            "CREATE TEMP VIEW file AS SELECT file_no, file_id AS source_file, concat_ws('/', site, delivery, path) "
            "AS place, cells_per_record FROM vault.main.input_file WHERE is_current"
        )
        # A wide file's rows are numbered cell by cell, so that a record's number and the test's column are found again.
        connection.execute(
            "CREATE TEMP VIEW aside AS SELECT place, disposition, reasons, "
            "(record_number - 1) // cells_per_record + 1 AS record, "
            "CASE WHEN cells_per_record > 1 THEN test_name END AS test "
            "FROM intermediate.int_row_disposition JOIN file USING (file_no) "
            "LEFT JOIN vault.raw.lab_results USING (file_no, record_number) WHERE disposition <> 'cancelled'"
        )

        def query(sql: str) -> list[tuple[Any, ...]]:
            return connection.execute(sql).fetchall()

        counts = ", ".join(f"rows_{name}" for name in COUNTS)
        return {
            "files": set(
                query(f"SELECT place, entity, {counts} FROM meta.reconciliation JOIN file USING (source_file)")
            ),
            "rows": {
                (place, record, test, disposition, ",".join(sorted((reasons or "").split(","))))
                for place, record, test, disposition, reasons in query(
                    "SELECT place, record, test, disposition, reasons FROM aside"
                )
            },
            "emptied cells": set(
                query(
                    "SELECT place, column_name, reason, sum(n_cells) FROM meta.column_defect "
                    "JOIN file USING (source_file) GROUP BY ALL"
                )
            ),
            "emptied records": {
                (place, record, *defect.split(":"))
                for place, record, defects in query(
                    "SELECT place, record_number, cell_defects FROM intermediate.int_column_defect "
                    "JOIN file USING (file_no)"
                )
                for defect in defects.split(",")
            },
            "contested": set(query("SELECT place, record_number FROM meta.contested JOIN file USING (source_file)")),
        }


def _counted(cells: Iterable[tuple[Any, ...]]) -> set[tuple[Any, ...]]:
    counts: dict[tuple[Any, ...], int] = {}
    for cell in cells:
        counts[cell] = counts.get(cell, 0) + 1
    return {(*cell, n) for cell, n in counts.items()}
