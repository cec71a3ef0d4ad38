"""The key file: made on first use or given, held to the vault's data, backed up and restored. Never shown.

Its first line is the key of every pseudonym (64 hexadecimal digits). A second line appears with the first rotation:
the key of the tombstones of forgotten patients, which no rotation changes. Until then that one follows from the first.
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
    """What the key file holds: two keys of 32 bytes, kept out of every representation."""

    pseudonym: bytes = field(repr=False)
    tombstone: bytes = field(repr=False)

    @property
    def text(self) -> str:
        """The content of a key file that holds both."""
        return f"{self.pseudonym.hex()}\n{self.tombstone.hex()}\n"


def ensure_key(settings: Settings) -> bytes:
    """The pseudonym key (32 bytes), made on first use; raises as `ensure_keys` does."""
    return ensure_keys(settings).pseudonym


def ensure_keys(settings: Settings) -> Keys:
    """The keys, made on first use; a rotation that was cut off is completed or undone first.

    Raises UserError where the key is lost although there are patients (a new one would give each of them another
    pseudonym), where the file is no key, and where one that was given is absent or readable by others.
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
                f"{path} is missing although patients were loaded with it: "
                "restore it from a backup (registry key restore FILE); a new key would rename every patient"
            )
        write_new(path, secrets.token_bytes(_KEY_BYTES).hex())
    return read_keys(path)


def read_keys(path: Path) -> Keys:
    """The keys of a key file; UserError where it is none."""
    try:
        lines = path.read_text(encoding="ascii").split()
        keys = [bytes.fromhex(line) for line in lines]
    except (OSError, ValueError):
        keys = []
    if len(keys) not in (1, 2) or {len(key) for key in keys} != {_KEY_BYTES}:
        raise UserError(f"{path} is no pseudonym key: restore it from a backup")
    return Keys(keys[0], keys[1] if len(keys) == 2 else hmac.digest(keys[0], b"tombstone-key", hashlib.sha256))


def matches_vault(connection: duckdb.DuckDBPyConnection, key: bytes) -> bool:
    """Is this the key that the vault's pseudonyms were made with? An empty vault fits every key."""
    salts = connection.execute("SELECT site, salt FROM main.site_salt").fetchall()
    return all(salt == site_salt(key, site) for site, salt in salts)


def require_match(connection: duckdb.DuckDBPyConnection, settings: Settings, key: bytes) -> None:
    """UserError where the key is another than the vault's: half of the patients would bear other pseudonyms."""
    if not matches_vault(connection, key):
        raise UserError(
            f"{settings.key_file} is not the key that this vault was loaded with: "
            "restore the right one (registry key restore FILE)"
        )


def back_up(settings: Settings, target: Path) -> str:
    """Copy the key file to a new file, readable by its owner alone; the key's id.

    Raises:
        UserError: where there is no key, or `target` exists, lies in the home, or can't be written.
    """
    if not settings.key_file.exists():
        raise UserError(f"{settings.key_file}: no key yet; the first refresh makes it")
    if target.resolve().is_relative_to(settings.home.resolve()):
        raise UserError(f"{target} lies in the home, with what it is to be kept apart from: name another place")
    keys = ensure_keys(settings)
    if not write_new(target, keys.text):
        raise UserError(f"{target} exists already: name a new file")
    return key_id(keys.pseudonym)


def restore(settings: Settings, source: Path) -> str:
    """Make a key file this home's key, where it has none or a wrong one; the key's id.

    Raises:
        UserError: where `source` is no key, is not the key of this vault, or the key in place is right and another.
    """
    if settings.given_key_file is not None:
        raise UserError("REGISTRY_KEY_FILE names the key: put the right file there, or unset it")
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
    """Where a rotation keeps the new key until the vault's pseudonyms are made with it."""
    return settings.key_file.with_name(settings.key_file.name + ".next")


def write_new(path: Path, text: str) -> bool:
    """Write a private file whole or not at all, and to the disk; False where there is one already."""
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
        raise UserError(f"{path}: others may read the key; run: chmod 600 {path}")


def _settle_rotation(settings: Settings) -> None:
    """After a rotation was cut off: the new key where the vault's pseudonyms are its own, else the old one stays."""
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
