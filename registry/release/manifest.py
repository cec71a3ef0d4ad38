"""The manifest: what a release was made from and which checks it passed, in one JSON file.

Also the tables `meta.release` and `meta.check_result`, written into a candidate after its audit: the same facts in SQL.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb

from expectations import Audit, CheckResult
from expectations.remedies import remedy_of
from registry.build.fingerprint import code_hash, rules_hash
from registry.config.settings import Settings, connect_options
from registry.release.candidate import STORAGE_VERSION
from registry.release.content import ALGORITHM, NOT_COMPARED, TableContent, tables_of
from registry.release.dictionary import described, write_comments
from registry.system.sql import records

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Identity:
    """The identity of a release."""

    release_id: str
    fingerprint: str
    last_delivery: str
    previous_release_id: str | None
    created_at: dt.datetime


def write_tables(path: Path, settings: Settings, identity: Identity, audit: Audit) -> None:
    """Write meta.release and meta.check_result into an audited candidate."""
    study = settings.study
    release = {
        "release_id": identity.release_id,
        "study_id": study.study_id,
        "is_synthetic": study.synthetic,
        "last_delivery": identity.last_delivery,
        "primary_definition": study.primary_definition,
        "fingerprint": identity.fingerprint,
        "code_version": code_hash(),
        "rules_version": rules_hash(),
        "previous_release_id": identity.previous_release_id,
        "created_at": identity.created_at.replace(tzinfo=None),
    }
    with duckdb.connect(str(path), config=connect_options(settings)) as connection:
        connection.begin()  # one transaction: a commit per row would cost more than everything else
        _write_table(connection, "meta.release", [release])
        _write_table(connection, "meta.check_result", [_row(result) for result in audit.checks])
        write_comments(connection, tables_of(connection, path.stem), label(settings, identity.release_id))
        connection.commit()
        connection.execute("CHECKPOINT")


def _write_table(connection: duckdb.DuckDBPyConnection, name: str, rows: list[dict[str, Any]]) -> None:
    """A table with the columns and types of its YAML."""
    columns = {column: data_type for column, (data_type, _) in described()[name].columns.items()}
    connection.execute(f"CREATE TABLE {name} ({', '.join(f'{column} {type_}' for column, type_ in columns.items())})")
    if rows:
        values = [[row[column] for column in columns] for row in rows]
        connection.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * len(columns))})", values)


def _row(result: CheckResult) -> dict[str, Any]:
    """A row of meta.check_result."""
    remedy = remedy_of(result.check_id)
    columns = {"table_name": result.table, "owner": remedy.owner, "remedy": remedy.action}
    return asdict(result) | columns


def label(settings: Settings, release_id: str) -> str:
    """The comment of every published table: study, release, and whether its patients are simulated."""
    note = " Synthetic data: not about real patients." if settings.study.synthetic else ""
    return f"Study {settings.study.study_id}, release {release_id}.{note}"


def compose(
    path: Path,
    settings: Settings,
    identity: Identity,
    audit: Audit,
    tables: Iterable[TableContent],
) -> dict[str, Any]:
    """The manifest of an audited candidate, ready for JSON.

    Tables that are not compared (`content.NOT_COMPARED`) have no content hash. Files appear only with their keyed id.
    """
    with duckdb.connect(str(path), read_only=True, config=connect_options(settings)) as connection:
        inputs = records(
            connection,
            """
            SELECT file_id, site, delivery, entity, sha256, n_rows AS "rows", is_current, is_retracted
            FROM meta.input_file
            ORDER BY site, delivery, entity, file_id
            """,
        )
        for file in inputs:  # only if true: manifests of earlier versions do not have this key
            if not file["is_retracted"]:
                del file["is_retracted"]
        definitions = _hashes(connection, "main.dim_case_definition", "definition_id")
        scales = _hashes(connection, "main.dim_grading_scale", "scale")
    return {
        "schema_version": SCHEMA_VERSION,
        "release_id": identity.release_id,
        "fingerprint": identity.fingerprint,
        "created_at": identity.created_at.isoformat(timespec="seconds"),
        "previous_release_id": identity.previous_release_id,
        "synthetic": settings.study.synthetic,
        "last_delivery": identity.last_delivery,
        "study": settings.study.model_dump(mode="json"),
        "cutoffs": _cutoffs(inputs, settings.study.data_cutoff),
        "code_version": code_hash(),
        "rules_version": rules_hash(),
        "engine": {
            "duckdb": duckdb.__version__,
            "storage_version": STORAGE_VERSION,
            "content_hash": ALGORITHM,
        },
        "definitions": definitions,
        "grading_scales": scales,
        "inputs": inputs,
        "tables": {
            table.name: {
                "rows": table.rows,
                "content_hash": None if table.name in NOT_COMPARED else table.content_hash,
                "parquet": f"parquet/{parquet_name(table.name)}",
            }
            for table in tables
        },
        "checks": [asdict(result) for result in audit.checks],
    }


def parquet_name(table: str) -> str:
    """The Parquet file of a table: `main.x` is x.parquet, `meta.x` is meta_x.parquet."""
    schema, _, name = table.partition(".")
    return f"{name}.parquet" if schema == "main" else f"{schema}_{name}.parquet"


def _cutoffs(inputs: list[dict[str, Any]], data_cutoff: dt.date | None) -> dict[str, str]:
    """Each site's cut-off: the last day of its last delivered month, or the study's cut-off if that is earlier."""
    counted = [file for file in inputs if "is_retracted" not in file]
    last = {file["site"]: "" for file in counted}
    for file in counted:
        last[file["site"]] = max(last[file["site"]], file["delivery"])
    ends = {site: _last_day(month) for site, month in last.items()}
    return {site: min(end, data_cutoff or end).isoformat() for site, end in sorted(ends.items())}


def _last_day(month: str) -> dt.date:
    year, number = (int(part) for part in month.split("-"))
    following = dt.date(year + number // 12, number % 12 + 1, 1)
    return following - dt.timedelta(days=1)


def _hashes(connection: duckdb.DuckDBPyConnection, table: str, by: str) -> dict[str, str]:
    """SHA-256 over the rows of each definition or scale, as text, in order."""
    found = connection.execute(
        f"""
        SELECT {by}, sha256(string_agg(CAST(entry AS VARCHAR), chr(10) ORDER BY CAST(entry AS VARCHAR)))
        FROM {table} AS entry GROUP BY {by} ORDER BY {by}
        """
    ).fetchall()
    return dict(found)
