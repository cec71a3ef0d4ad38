"""The vault's folder (mode 0700, files 0600), which has everything that identifies anyone, and its database.

Tables of raw.duckdb: `raw.<entity>` (rows as sent), `main.input_file` (the ledger), `main.patient_map`,
`main.site_salt`, `main.retraction` (places whose files are not used; without a path the whole month), schema `config`
(the plan of the last refresh, and the settings of the YAML files, for dbt), and for forgotten patients `main.erased`
(rows by file), `main.applied_tombstone` and `main.not_yet_purged` (erased rows that are still in freed pages). They are
written by registry/ingest, registry/refresh and registry/vault.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import NamedTuple

import duckdb

from registry.config.input_contract import ENTITIES, Entity
from registry.config.settings import Settings, connect_options
from registry.errors import UserError
from registry.system import memory
from registry.system.disk import group_folder, raise_if_held
from registry.system.sql import literal

_TABLES = """
CREATE SCHEMA IF NOT EXISTS raw;
CREATE SCHEMA IF NOT EXISTS config;
CREATE TABLE IF NOT EXISTS main.input_file (
    file_no INTEGER, file_id VARCHAR, site VARCHAR, delivery VARCHAR, entity VARCHAR, path VARCHAR,
    format VARCHAR, sha256 VARCHAR, n_rows BIGINT, is_current BOOLEAN, columns VARCHAR,
    loaded_at TIMESTAMP, n_malformed BIGINT, read_as VARCHAR, cells_per_record INTEGER DEFAULT 1, keys_composed BOOLEAN
);
ALTER TABLE main.input_file ADD COLUMN IF NOT EXISTS cells_per_record INTEGER DEFAULT 1;
ALTER TABLE main.input_file ADD COLUMN IF NOT EXISTS keys_composed BOOLEAN;
CREATE TABLE IF NOT EXISTS main.patient_map (
    patient_no INTEGER, site VARCHAR, patient_id VARCHAR, patient_key VARCHAR
);
CREATE TABLE IF NOT EXISTS main.site_salt (site VARCHAR, salt VARCHAR);
CREATE TABLE IF NOT EXISTS main.retraction (
    site VARCHAR, delivery VARCHAR, path VARCHAR, retracted_at TIMESTAMP
);
CREATE TABLE IF NOT EXISTS main.erased (file_no INTEGER, n_rows BIGINT);
CREATE TABLE IF NOT EXISTS main.applied_tombstone (tombstone VARCHAR);
CREATE TABLE IF NOT EXISTS main.not_yet_purged (n_rows BIGINT);
CREATE TABLE IF NOT EXISTS config.study (
    study_id VARCHAR, enrolment_start DATE, enrolment_end DATE, data_cutoff DATE,
    primary_definition VARCHAR, suppression_threshold INTEGER, anc_interval_days INTEGER,
    time_zone VARCHAR, is_synthetic BOOLEAN, late_window_start_days INTEGER, late_window_end_days INTEGER
);
ALTER TABLE config.study ADD COLUMN IF NOT EXISTS late_window_start_days INTEGER;
ALTER TABLE config.study ADD COLUMN IF NOT EXISTS late_window_end_days INTEGER;
CREATE TABLE IF NOT EXISTS config.case_definition (
    definition_id VARCHAR, label VARCHAR, severity_scale VARCHAR, onset_below DECIMAL(18, 6),
    onset_inclusive BOOLEAN, recovery_at DECIMAL(18, 6), max_gap_days INTEGER, gcsf_days INTEGER,
    attribution_days INTEGER, late_days INTEGER, source VARCHAR
);
CREATE TABLE IF NOT EXISTS config.site (
    site VARCHAR, mode VARCHAR, time_zone VARCHAR, decimal_mark VARCHAR, thousands_mark VARCHAR,
    neutrophils_pct_includes_bands BOOLEAN
);
CREATE TABLE IF NOT EXISTS config.date_format (site VARCHAR, ordinal INTEGER, format VARCHAR);
CREATE TABLE IF NOT EXISTS config.plan (
    run_id VARCHAR, study VARCHAR, profiles VARCHAR, files VARCHAR, has_study_file BOOLEAN, sites_with_profile VARCHAR[]
);
CREATE TABLE IF NOT EXISTS config.code_map (
    site VARCHAR, kind VARCHAR, local_code VARCHAR, target VARCHAR, unit_dimension VARCHAR
);
ALTER TABLE config.code_map ADD COLUMN IF NOT EXISTS unit_dimension VARCHAR;
ALTER TABLE config.site ADD COLUMN IF NOT EXISTS flags_before VARCHAR;
ALTER TABLE config.site ADD COLUMN IF NOT EXISTS flags_behind VARCHAR;
"""


class _Opened(NamedTuple):
    path: Path
    read_only: bool
    connection: duckdb.DuckDBPyConnection


_opened: ContextVar[_Opened | None] = ContextVar("opened", default=None)

_umask_lock = threading.Lock()
_umask_users = 0
_umask_before = 0


@contextmanager
def private_files() -> Iterator[None]:
    """Make files created in the body readable only by their owner, from the first byte."""
    global _umask_users, _umask_before  # noqa: PLW0603  the umask is process-wide
    with _umask_lock:
        if _umask_users == 0:
            _umask_before = os.umask(0o077)
        _umask_users += 1
    try:
        yield
    finally:
        with _umask_lock:
            _umask_users -= 1
            if _umask_users == 0:
                os.umask(_umask_before)


def secure_vault(settings: Settings) -> None:
    """Create the vault's folder if necessary, and remove everyone else's access to its content."""
    try:
        group_folder(settings.home)
        settings.vault.mkdir(mode=0o700, exist_ok=True)
        settings.vault_temp.mkdir(mode=0o700, exist_ok=True)
        for path, mode in ((settings.vault, 0o700), (settings.vault_temp, 0o700)):
            _restrict(path, mode)
        for path in (settings.key_file, settings.raw_db, settings.tombstones):
            if path.exists() and path.parent == settings.vault:
                _restrict(path, 0o600)
    except OSError as error:
        raise UserError(
            f"{settings.vault} can't be made private: {error.strerror}; choose a REGISTRY_HOME that you own"
        ) from None


def sweep_spilled(settings: Settings) -> None:
    """Remove rows spilled to disk by a killed process. The caller holds the refresh lock."""
    for path in settings.vault_temp.glob("duckdb_temp_*"):
        path.unlink(missing_ok=True)


def _restrict(path: Path, mode: int) -> None:
    if path.stat().st_mode & 0o777 != mode:
        path.chmod(mode)


@contextmanager
def connect_vault(settings: Settings, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """Connect to raw.duckdb as database `vault`, and create missing tables.

    Names are the same as in dbt: `vault.raw.lab_results`, `vault.main.input_file`; `vault` may be left out. While one
    process writes, no other can read or write. Inside a connection that allows as much, this is that connection: to
    open one costs more than most queries. UserError if it is in use, damaged, or (read-only) does not exist yet.
    """
    outer = _opened.get()
    if outer and outer.path == settings.raw_db:
        if outer.read_only and not read_only:
            raise RuntimeError("the vault is open here for reading alone")
        yield outer.connection
        return
    if read_only and not settings.raw_db.exists():
        raise UserError(f"{settings.home}: nothing has been loaded yet; run registry refresh")
    if not read_only:
        secure_vault(settings)
    with private_files():
        connection = _open(settings, read_only)
        token = _opened.set(_Opened(settings.raw_db, read_only, connection))
        try:
            connection.execute("SET TimeZone = 'UTC'")
            if not read_only:
                _create_tables(connection)
            yield connection
        finally:
            _opened.reset(token)
            connection.close()


def _open(settings: Settings, read_only: bool) -> duckdb.DuckDBPyConnection:
    """Attach it under a name: otherwise the file would be the catalog `raw`, and `raw.x` ambiguous."""
    connection = duckdb.connect(config=connect_options(settings) | {"temp_directory": str(settings.vault_temp)})
    try:
        connection.execute(f"ATTACH {literal(settings.raw_db)} AS vault{' (READ_ONLY)' if read_only else ''}")
        connection.execute("USE vault")
        return connection
    except duckdb.Error as error:
        connection.close()
        if memory.ran_out(error):
            raise
        raise_if_held(settings.raw_db, str(error))
        raise UserError(
            f"{settings.raw_db} can't be opened: it is damaged, from a newer DuckDB, or already open in this process; "
            "if the last refresh was interrupted, restore it from a backup"
        ) from None


def holds_patients(settings: Settings) -> bool:
    """Whether any patient has a pseudonym; assumed if the vault can't be read."""
    if not settings.raw_db.exists():
        return False
    try:
        with connect_vault(settings, read_only=True) as connection:
            row = connection.execute("SELECT count(*) FROM main.patient_map").fetchone()
            return row is None or row[0] > 0
    except (UserError, duckdb.Error):
        return True


_KEYS_COMPOSED = """
UPDATE main.input_file SET keys_composed = NOT list_contains(
    map_values(CAST(CAST(columns AS JSON) AS MAP(VARCHAR, VARCHAR))), $key
) WHERE keys_composed IS NULL AND entity = $entity
"""
"""For files loaded before the ledger had this column: the key was composed if the file has no key column."""


def _create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(_TABLES)
    for entity in ENTITIES.values():
        connection.execute(_KEYS_COMPOSED, {"entity": entity.name, "key": entity.key})
        columns = ", ".join(f'"{column}" VARCHAR' for column in entity.columns)
        connection.execute(
            f'CREATE TABLE IF NOT EXISTS raw."{entity.name}" (file_no INTEGER, '
            f"record_number BIGINT, {columns}, extra MAP(VARCHAR, VARCHAR), malformed VARCHAR)"
        )
        _add_columns(connection, entity)


def _add_columns(connection: duckdb.DuckDBPyConnection, entity: Entity) -> None:
    """Add columns that are new in the contract, with the values that were sent under their names."""
    known = {row[0] for row in connection.execute(f'DESCRIBE raw."{entity.name}"').fetchall()}
    for column in entity.columns:
        if column not in known:
            connection.execute(f'ALTER TABLE raw."{entity.name}" ADD COLUMN "{column}" VARCHAR')
            connection.execute(
                f'UPDATE raw."{entity.name}" SET "{column}" = extra[list_filter(map_keys(extra), '
                "lambda name: lower(trim(name)) = $column)[1]] WHERE list_contains("
                "list_transform(map_keys(extra), lambda name: lower(trim(name))), $column)",
                {"column": column},
            )
