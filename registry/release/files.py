"""The files of a release beside its database: Parquet, checksums, and the seal that makes them read-only."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb

from registry.errors import UserError
from registry.release.content import quoted
from registry.release.manifest import parquet_name
from registry.release.store import MANIFEST, sync
from registry.settings import Settings, connect_options

CHECKSUMS = "SHA256SUMS"
_CHUNK = 2**20


def write_parquet(settings: Settings, database: Path, tables: Iterable[str], note: str) -> None:
    """Write every table as `parquet/<table>.parquet` beside the database, labelled with `note` in its metadata."""
    folder = database.parent / "parquet"
    folder.mkdir()
    quoted_note = note.replace("'", "''")
    with duckdb.connect(str(database), read_only=True, config=connect_options(settings)) as connection:
        for table in tables:
            target = str(folder / parquet_name(table)).replace("'", "''")
            # zstd at its lowest level: as fast as snappy here, and half the size
            connection.execute(
                f"COPY {quoted(table)} TO '{target}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, "
                f"KV_METADATA {{note: '{quoted_note}'}})"
            )


def write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    """Write manifest.json."""
    text = json.dumps(manifest, indent=2, ensure_ascii=False)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def write_checksums(folder: Path) -> None:
    """Write SHA256SUMS over every file of a release; `sha256sum -c SHA256SUMS` in the folder verifies them."""
    lines = [f"{sha256(path)}  {path.relative_to(folder)}\n" for path in _files(folder)]
    (folder / CHECKSUMS).write_text("".join(lines), encoding="utf-8")


def verify(folder: Path) -> list[str]:
    """The files of a release that are missing, or differ from, or do not stand in SHA256SUMS; sorted.

    Raises:
        UserError: if SHA256SUMS itself can't be read.

    """
    try:
        lines = (folder / CHECKSUMS).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        raise UserError(f"release {folder.name}: its {CHECKSUMS} can't be read; restore it from a backup") from None
    stated = {}
    for line in lines:
        digest, _, name = line.partition("  ")
        stated[name] = digest
    found = {str(path.relative_to(folder)): path for path in _files(folder) if path.name != CHECKSUMS}
    changed = (name for name, digest in stated.items() if name not in found or sha256(found[name]) != digest)
    return sorted({*changed, *(found.keys() - stated.keys())})


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def seal(folder: Path) -> None:
    """Make a release read-only and make sure that all of it is on disk."""
    for path in _files(folder):
        path.chmod(0o440)
        sync(path)
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir():
            path.chmod(0o750)
            sync(path)
    folder.chmod(0o750)
    sync(folder)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())
