"""Key rotation: derive every pseudonym, file id and salt from a new key. Consequences: docs/decisions/0014."""

from __future__ import annotations

import secrets
from contextlib import suppress
from typing import TYPE_CHECKING

from registry.errors import UserError
from registry.system import event_log
from registry.vault import tombstones
from registry.vault.apply_tombstones import remove_build
from registry.vault.compaction import compact
from registry.vault.database import connect_vault, secure_vault
from registry.vault.keys import Keys, ensure_keys, matches_vault, next_file, read_keys, require_match, write_new
from registry.vault.pseudonyms import file_id, key_id, patient_key, site_salt

if TYPE_CHECKING:
    import duckdb

    from registry.config.settings import Settings

_ROWS_A_STATEMENT = 50_000


def rotate(settings: Settings, *, is_lost: bool = False) -> tuple[str, int]:
    """Give the vault a new key; returns the key's id and the number of patients with new pseudonyms.

    The caller holds the refresh lock. If the process is killed, either the old or the new key is in use, and all
    pseudonyms match it. `is_lost`: the old key is lost; tombstones, which need it, are discarded.

    Raises:
        UserError: if the key does not match the vault (`is_lost`: if it does), there are no pseudonyms, or something
            can't be written.
    """
    if not settings.raw_db.exists():
        raise UserError(f"{settings.home}: nothing has been loaded yet, so there are no pseudonyms to change")
    if is_lost and _is_usable(settings):
        raise UserError(f"{settings.key_file} exists and matches the vault: rotate without --lost")
    old = None if is_lost else ensure_keys(settings)
    secure_vault(settings)
    new = Keys(secrets.token_bytes(32), old.tombstone if old else secrets.token_bytes(32))
    draft = next_file(settings)
    draft.unlink(missing_ok=True)
    if old is None:
        settings.tombstones.unlink(missing_ok=True)
    with connect_vault(settings) as connection:
        if old:
            require_match(connection, settings, old.pseudonym)
            tombstones.read(settings, old.tombstone, connection)
        write_new(draft, new.text)
        connection.begin()
        n_patients = _rename(connection, new.pseudonym)
        if old is None:
            connection.execute("DELETE FROM main.applied_tombstone")
        connection.execute("INSERT INTO main.not_yet_purged VALUES ($n)", {"n": n_patients})
        connection.commit()
    draft.replace(settings.key_file)
    remove_build(settings)
    compact(settings)
    event_log.record(settings, "key_rotated", key=key_id(new.pseudonym), patients=n_patients, is_lost=is_lost)
    return key_id(new.pseudonym), n_patients


def _is_usable(settings: Settings) -> bool:
    """Whether the key file has the key of the vault's pseudonyms."""
    with suppress(UserError):
        key = read_keys(settings.key_file).pseudonym
        with connect_vault(settings, read_only=True) as connection:
            return matches_vault(connection, key)
    return False


def _rename(connection: duckdb.DuckDBPyConnection, key: bytes) -> int:
    """Update patients, files and salts to a new key in the caller's transaction; returns the number of patients."""
    patients = connection.execute("SELECT patient_no, site, patient_id FROM main.patient_map").fetchall()
    _update(
        connection,
        "main.patient_map",
        ("patient_no", "patient_key"),
        [(number, patient_key(key, site, patient_id)) for number, site, patient_id in patients],
    )
    files = connection.execute("SELECT file_no, site, delivery, entity, path, sha256 FROM main.input_file").fetchall()
    _update(
        connection,
        "main.input_file",
        ("file_no", "file_id"),
        [(number, file_id(key, *place)) for number, *place in files],
    )
    sites = connection.execute("SELECT site FROM main.site_salt").fetchall()
    _update(
        connection,
        "main.site_salt",
        ("site", "salt"),
        [(site, site_salt(key, site)) for (site,) in sites],
    )
    return len(patients)


def _update(
    connection: duckdb.DuckDBPyConnection, table: str, columns: tuple[str, str], values: list[tuple[object, str]]
) -> None:
    """For each pair of values, set the second column where the first column has the first value."""
    name, changed = columns
    for start in range(0, len(values), _ROWS_A_STATEMENT):
        part = values[start : start + _ROWS_A_STATEMENT]
        connection.execute(
            f"UPDATE {table} AS old SET {changed} = new.text "
            f"FROM (SELECT unnest($names) AS name, unnest($texts) AS text) AS new WHERE old.{name} = new.name",
            {"names": [row[0] for row in part], "texts": [row[1] for row in part]},
        )
