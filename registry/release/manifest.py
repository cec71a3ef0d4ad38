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
from registry.release.content import ALGORITHM, NOT_COMPARED, TableContent, quoted, tables_of

SCHEMA_VERSION = 1

_RELEASE = """
CREATE TABLE meta.release (
    release_id VARCHAR, study_id VARCHAR, is_synthetic BOOLEAN, last_delivery VARCHAR, primary_definition VARCHAR,
    fingerprint VARCHAR, code_version VARCHAR, rules_version VARCHAR, previous_release_id VARCHAR, created_at TIMESTAMP
)
"""
_CHECK_RESULT = """
CREATE TABLE meta.check_result (
    check_id VARCHAR, table_name VARCHAR, severity VARCHAR, passed BOOLEAN, n_unexpected BIGINT, n_rows BIGINT,
    detail VARCHAR, description VARCHAR, source VARCHAR, owner VARCHAR, remedy VARCHAR
)
"""


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
    release = (
        identity.release_id,
        study.study_id,
        study.synthetic,
        identity.last_delivery,
        study.primary_definition,
        identity.fingerprint,
        code_hash(),
        rules_hash(),
        identity.previous_release_id,
        identity.created_at.replace(tzinfo=None),
    )
    results = [_row(result) for result in audit.checks]
    with duckdb.connect(str(path), config=connect_options(settings)) as connection:
        connection.begin()  # one transaction: a commit per row would cost more than everything else
        connection.execute(_RELEASE)
        connection.execute(_CHECK_RESULT)
        connection.execute(f"INSERT INTO meta.release VALUES ({_marks(release)})", release)
        if results:
            connection.executemany(f"INSERT INTO meta.check_result VALUES ({_marks(results[0])})", results)
        note = label(settings, identity.release_id).replace("'", "''")
        for table in tables_of(connection, path.stem):
            connection.execute(f"COMMENT ON TABLE {quoted(table)} IS '{note}'")
        connection.commit()
        connection.execute("CHECKPOINT")


def _row(result: CheckResult) -> tuple[str | int | bool, ...]:
    """A row of meta.check_result."""
    remedy = remedy_of(result.check_id)
    return (
        result.check_id,
        result.table,
        result.severity,
        result.passed,
        result.n_unexpected,
        result.n_rows,
        result.detail,
        result.description,
        result.source,
        remedy.owner,
        remedy.action,
    )


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
        inputs = _records(
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


def _records(connection: duckdb.DuckDBPyConnection, sql: str) -> list[dict[str, Any]]:
    cursor = connection.execute(sql)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _marks(row: tuple[Any, ...]) -> str:
    return ", ".join("?" * len(row))
