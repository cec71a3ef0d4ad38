"""The key file: created on first use or given, checked against the vault, backed up and restored. Never shown.

Its first line is the key of all pseudonyms (64 hexadecimal digits). The first rotation adds a second line: the key of
the tombstones, which no rotation changes. Until then the tombstone key is derived from the first line.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from registry.errors import UserError
from registry.vault.database import connect_vault, holds_patients, secure_vault
from registry.vault.pseudonyms import key_id, site_salt

if TYPE_CHECKING:
    import duckdb

    from registry.config.settings import Settings

_KEY_BYTES = 32


@dataclass(frozen=True)
class Keys:
    """The content of the key file: two keys of 32 bytes, not shown by `repr`."""

    pseudonym: bytes = field(repr=False)
    tombstone: bytes = field(repr=False)

    @property
    def text(self) -> str:
        """The text of a key file with both keys."""
        return f"{self.pseudonym.hex()}\n{self.tombstone.hex()}\n"


def ensure_key(settings: Settings) -> bytes:
    """The pseudonym key (32 bytes), created on first use; raises like `ensure_keys`."""
    return ensure_keys(settings).pseudonym


def ensure_keys(settings: Settings) -> Keys:
    """The keys, created on first use; an interrupted rotation is completed or undone first.

    Raises UserError if the key is lost although there are patients (a new key would change their pseudonyms), if the
    file is not a key, or if a given key file is missing or readable by others.
    """
    secure_vault(settings)
    path = settings.key_file
    if next_file(settings).exists():
        _settle_rotation(settings)
    if settings.given_key_file is not None:
        _require_private(path)
    elif not path.exists():
        if holds_patients(settings):
            raise UserError(
                f"{path} is missing although patients were loaded with it: restore it from a backup "
                "(registry key restore FILE); a new key would change every pseudonym"
            )
        write_new(path, secrets.token_bytes(_KEY_BYTES).hex())
    return read_keys(path)


def read_keys(path: Path) -> Keys:
    """Read a key file; UserError if it is not a valid one."""
    try:
        lines = path.read_text(encoding="ascii").split()
        keys = [bytes.fromhex(line) for line in lines]
    except (OSError, ValueError):
        keys = []
    if len(keys) not in (1, 2) or {len(key) for key in keys} != {_KEY_BYTES}:
        raise UserError(f"{path} is not a valid pseudonym key: restore it from a backup")
    return Keys(keys[0], keys[1] if len(keys) == 2 else hmac.digest(keys[0], b"tombstone-key", hashlib.sha256))


def matches_vault(connection: duckdb.DuckDBPyConnection, key: bytes) -> bool:
    """Whether the vault's pseudonyms were made with this key; an empty vault matches every key."""
    salts = connection.execute("SELECT site, salt FROM main.site_salt").fetchall()
    return all(salt == site_salt(key, site) for site, salt in salts)


def require_match(connection: duckdb.DuckDBPyConnection, settings: Settings, key: bytes) -> None:
    """Raise UserError if this is not the vault's key: patients would get a second pseudonym."""
    if not matches_vault(connection, key):
        raise UserError(
            f"{settings.key_file} is not the key that this vault was loaded with: "
            "restore the right one (registry key restore FILE)"
        )


def back_up(settings: Settings, target: Path) -> str:
    """Copy the key file to a new file, readable only by its owner; returns the key's id.

    Raises:
        UserError: if there is no key, or `target` exists, is inside the home, or can't be written.
    """
    if not settings.key_file.exists():
        raise UserError(f"{settings.key_file}: no key yet; the first refresh creates it")
    if target.resolve().is_relative_to(settings.home.resolve()):
        raise UserError(
            f"{target} is inside the home, but the key must be kept apart from the vault: name another place"
        )
    keys = ensure_keys(settings)
    if not write_new(target, keys.text):
        raise UserError(f"{target} exists already: name a new file")
    return key_id(keys.pseudonym)


def restore(settings: Settings, source: Path) -> str:
    """Install a key file as this home's key, if it has none or a wrong one; returns the key's id.

    Raises:
        UserError: if `source` is not a key or not this vault's key, or REGISTRY_KEY_FILE is set.
    """
    if settings.given_key_file is not None:
        raise UserError("the key file is set by REGISTRY_KEY_FILE: put the right file there, or unset the variable")
    keys = read_keys(source)
    secure_vault(settings)
    if settings.raw_db.exists():
        with connect_vault(settings, read_only=True) as connection:
            if not matches_vault(connection, keys.pseudonym):
                raise UserError(f"{source} is not the key that this vault was loaded with: nothing was changed")
    draft = settings.vault / f".pseudonym.{secrets.token_hex(4)}"
    write_new(draft, keys.text)
    draft.replace(settings.key_file)
    return key_id(keys.pseudonym)


def next_file(settings: Settings) -> Path:
    """The file with the new key during a rotation, until the vault's pseudonyms are updated."""
    return settings.key_file.with_name(settings.key_file.name + ".next")


def write_new(path: Path, text: str) -> bool:
    """Write a private file atomically and flush it to disk; returns False if it exists already."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        return False
    except OSError as error:
        raise UserError(f"{path} can't be written: {error.strerror}") from None
    finally:
        draft.unlink(missing_ok=True)
    return True


def _require_private(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise UserError(f"{path}: REGISTRY_KEY_FILE can't be read: {error.strerror}") from None
    if mode & 0o077:
        raise UserError(f"{path}: other users can read the key; run: chmod 600 {path}")


def _settle_rotation(settings: Settings) -> None:
    """Complete or undo an interrupted rotation: use the new key if it matches the vault, else keep the old one."""
    draft = next_file(settings)
    is_done = False
    if settings.raw_db.exists():
        keys = read_keys(draft)
        with connect_vault(settings, read_only=True) as connection:
            has_salts = connection.execute("SELECT count(*) > 0 FROM main.site_salt").fetchone() == (True,)
            is_done = has_salts and matches_vault(connection, keys.pseudonym)
    if is_done:
        draft.replace(settings.key_file)
    else:
        draft.unlink()
