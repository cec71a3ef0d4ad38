"""Two sets of inputs to publish, and the state of a folder: for tests of releases."""

from __future__ import annotations

import hashlib
from pathlib import Path

FIRST, SECOND = "a1" * 32, "b2" * 32
FIRST_ID, SECOND_ID = "2024-03-a1a1a1a1a1", "2024-04-b2b2b2b2b2"
NEW_MONTH = (
    """
    INSERT INTO meta.input_file
    SELECT * REPLACE (md5(file_id)[:16] AS file_id, '2024-04' AS delivery, 0 AS n_rows) FROM meta.input_file
    WHERE delivery = '2024-03'
    """,
    """
    INSERT INTO meta.reconciliation
    SELECT site, delivery, entity, file_id, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
    FROM meta.input_file WHERE delivery = '2024-04'
    """,
    """
    INSERT INTO meta.completeness
    SELECT site, delivery, entity, 1, 0, 0, 0, NULL, 'none' FROM meta.input_file WHERE delivery = '2024-04'
    """,
)
BROKEN = "UPDATE main.fct_anc SET anc_10e9_l = 3200"


def state(folder: Path) -> dict[str, tuple[str, int, str]]:
    """Everything under a folder: content, mode and link targets."""
    return {
        str(path.relative_to(folder)): (
            str(path.readlink()) if path.is_symlink() else "",
            path.lstat().st_mode,
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
        )
        for path in folder.rglob("*")
    }
