"""The other files of a release: Parquet, manifest, checksums; and the seal that makes all of them read-only."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb

from registry.config.settings import Settings, connect_options
from registry.errors import UserError
from registry.release.manifest import parquet_name
from registry.release.store import MANIFEST
from registry.system.files import sha256, sync
from registry.system.sql import identifier, literal

CHECKSUMS = "SHA256SUMS"


def write_parquet(settings: Settings, database: Path, tables: Iterable[str], note: str) -> None:
    """Write every table as `parquet/<table>.parquet` next to the database, with `note` in its metadata."""
    folder = database.parent / "parquet"
    folder.mkdir()
    with duckdb.connect(str(database), read_only=True, config=connect_options(settings)) as connection:
        for table in tables:
            # zstd at its lowest level: as fast as snappy here, half the size
            connection.execute(
                f"COPY {identifier(table)} TO {literal(folder / parquet_name(table))} "
                "(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, "
                f"KV_METADATA {{note: {literal(note)}}})"
            )


def write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    """Write manifest.json."""
    text = json.dumps(manifest, indent=2, ensure_ascii=False)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def write_checksums(folder: Path) -> None:
    """Write SHA256SUMS over every file of a release; `sha256sum -c SHA256SUMS` in the folder verifies them."""
    digests = {str(path.relative_to(folder)): sha256(path) for path in _files(folder)}
    (folder / CHECKSUMS).write_text(_checksums(digests), encoding="utf-8")


def verify(folder: Path) -> list[str]:
    """Names in a release folder that are missing, changed or additional; sorted, empty if nothing was modified.

    Every byte counts, also those of SHA256SUMS, which can be written in only one way. A link or an empty folder is
    additional.

    Raises:
        UserError: if SHA256SUMS, or another file, can't be read.

    """
    try:
        stated_text = (folder / CHECKSUMS).read_bytes()
        found = {str(path.relative_to(folder)): sha256(path) for path in _files(folder) if path != folder / CHECKSUMS}
    except OSError as error:
        name = Path(str(error.filename)).name
        raise UserError(f"release {folder.name}: {name} can't be read; restore it from a backup") from None
    digests = stated(stated_text)
    changed = {name for name in digests.keys() | found.keys() if digests.get(name) != found.get(name)}
    if not changed and stated_text != _checksums(found).encode():
        changed = {CHECKSUMS}
    return sorted(changed | _strangers(folder))


def stated(checksums: bytes) -> dict[str, str]:
    """The digests in a SHA256SUMS, by file name in the release folder."""
    lines = checksums.decode("utf-8", errors="replace").splitlines()
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


def seal(folder: Path) -> None:
    """Make a release read-only and flush all of it to disk."""
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
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _checksums(digests: dict[str, str]) -> str:
    """The only valid text of SHA256SUMS for these files, in the order of `_files`."""
    return "".join(f"{digests[name]}  {name}\n" for name in sorted(digests, key=Path))


def _strangers(folder: Path) -> set[str]:
    """Anything that is neither a file nor a folder with files: links, empty folders, pipes."""
    needed = {parent for path in _files(folder) for parent in path.relative_to(folder).parents}
    found = {path.relative_to(folder): path for path in folder.rglob("*")}
    return {
        str(name)
        for name, path in found.items()
        if path.is_symlink() or not (path.is_file() or (path.is_dir() and name in needed))
    }
