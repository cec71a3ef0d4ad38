"""Remove columns that a site now ignores from its stored rows, including earlier versions and deleted files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from registry.config.input_contract import ENTITIES, IGNORE
from registry.ingest.staging import NOT_KEPT

if TYPE_CHECKING:
    import duckdb

    from registry.config.site import SiteProfile


def purge_ignored(connection: duckdb.DuckDBPyConnection, entity: str, profiles: Mapping[str, SiteProfile]) -> int:
    """Empty the ignored columns in every version of every file of an entity; return how many files had one.

    Their bytes stay in freed pages until the vault is compacted, which `main.not_yet_purged` requests.
    """
    n_files = 0
    for site, profile in profiles.items():
        ignored = {theirs for theirs, ours in profile.column_names(entity).items() if ours == IGNORE}
        if not ignored:
            continue
        for file_no, text in connection.execute(
            "SELECT file_no, columns FROM main.input_file WHERE site = $site AND entity = $entity",
            {"site": site, "entity": entity},
        ).fetchall():
            columns: dict[str, str | None] = json.loads(text)
            stored = {name: target for name, target in columns.items() if name.casefold() in ignored}
            if stored:
                connection.begin()
                _empty(connection, entity, file_no, stored)
                kept = {name: target for name, target in columns.items() if name not in stored}
                connection.execute(
                    "UPDATE main.input_file SET columns = $columns WHERE file_no = $file_no",
                    {"columns": json.dumps(kept, ensure_ascii=False), "file_no": file_no},
                )
                connection.commit()
                n_files += 1
    return n_files


def _empty(connection: duckdb.DuckDBPyConnection, entity: str, file_no: int, stored: Mapping[str, str | None]) -> None:
    """Empty these columns of one file wherever their cells are stored, in the caller's transaction."""
    contract = ENTITIES[entity].columns
    # the header's meaning at loading, or that of its name since the contract gained the column
    meant = {target.partition(".")[0] for target in stored.values() if target} | {name.casefold() for name in stored}
    emptied = "".join(f', "{column}" = NULL' for column in contract if column in meant)
    row = connection.execute(
        f"""
        UPDATE raw."{entity}" SET
            extra = map_from_entries(list_filter(map_entries(extra), lambda cell: NOT list_contains($names, cell.key))),
            malformed = CASE WHEN malformed IS NOT NULL THEN $not_kept END
            {emptied}
        WHERE file_no = $file_no
        """,
        {"names": list(stored), "not_kept": NOT_KEPT, "file_no": file_no},
    ).fetchone()
    tests = [name for name, target in stored.items() if target and target not in contract]
    if tests and entity == "lab_results":
        connection.execute(
            "UPDATE raw.lab_results SET value = NULL WHERE file_no = $file_no AND list_contains($tests, test_name)",
            {"file_no": file_no, "tests": tests},
        )
    connection.execute("INSERT INTO main.not_yet_purged VALUES ($n)", {"n": row[0] if row else 0})
