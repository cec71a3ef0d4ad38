"""Load new files into raw, each one completely or not at all.

Small files are split in Python and loaded many at a time; DuckDB loads large ones piece by piece, in one transaction
a file. Rows, ledger entry, patients and salt of a file are committed together.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from registry.config.input_contract import ENTITIES
from registry.config.site import SiteProfile
from registry.errors import UserError
from registry.ingest import ledger
from registry.ingest.bulk import NotPlainError
from registry.ingest.deliveries import DeliveredFile, load_profiles
from registry.ingest.ignored import purge_ignored
from registry.ingest.readers import read_file
from registry.ingest.result import LoadResult, Progress
from registry.ingest.staging import Staging
from registry.ingest.target import LoadContext, LoadStrategy
from registry.system import memory
from registry.vault import tombstones
from registry.vault.database import connect_vault
from registry.vault.erasure import erase
from registry.vault.keys import ensure_keys, require_match
from registry.vault.pseudonyms import add_patients, add_salts, file_id

if TYPE_CHECKING:
    from registry.config.settings import Settings

SMALL_FILE = 2**20
"""CSV files up to this many bytes (gzipped: an eighth) are split in Python, together with others."""
_BATCH_BYTES = 64 * 2**20
_BATCH_FILES = 2000
_MOST_PIECES = 8
"""Pieces of a file in memory at a time; more threads gain little."""


def load_entity(
    settings: Settings,
    entity: str,
    files: Iterable[DeliveredFile],
    progress: Progress | None = None,
    small_file: int = SMALL_FILE,
    profiles: Mapping[str, SiteProfile] | None = None,
) -> LoadResult:
    """Load the files of one entity that are not in the vault yet. `files`: all delivered files.

    `profiles`: those of every site, read from site.yml by default.

    A known file is skipped; new bytes at a known place replace its version; an earlier version that is sent again
    becomes current again; a file that had this entity, but has only others according to site.yml now, no longer counts.
    Files that are in the ledger but not in `files` are reported and change nothing.
    Raises UserError at the first file that can't be read; files loaded before it are kept.
    """
    delivered = list(files)
    places = {file.place for file in delivered}
    mine = sorted((file for file in delivered if file.entity == entity), key=lambda file: file.place)
    keys = ensure_keys(settings)
    profiles = load_profiles(settings) if profiles is None else profiles
    with connect_vault(settings) as connection, _scratch(settings) as folder:
        require_match(connection, settings, keys.pseudonym)
        forgotten = tombstones.read(settings, keys.tombstone, connection)
        n_files_purged = purge_ignored(connection, entity, profiles)
        connection.execute("SET preserve_insertion_order = false")  # records carry their numbers
        with Staging(folder, ENTITIES[entity]) as staging:
            target = LoadContext(connection, staging, folder, min(settings.threads, _MOST_PIECES))
            load = _Load(connection, keys.pseudonym, forgotten, target, entity, small_file, progress)
            try:
                for file in mine:
                    load.take(file, profiles[file.site])
            except UserError:
                load.commit_staged()  # the files read before the one that failed
                raise
            except OSError as error:
                raise UserError(f"{settings.vault} can't be written: {error.strerror}: free up disk space") from None
            load.commit_staged()
            load.drop(sorted(places - {file.place for file in mine}))
        load.result.n_files_purged = n_files_purged
        retracted = ledger.retractions(connection)
        counted = {place for place in load.known if not ledger.is_retracted(retracted, place)}
        load.result.missing_files = _missing(counted - places, settings.through)
        return load.result


def _missing(gone: AbstractSet[ledger.Place], through: str | None) -> tuple[str, ...]:
    """Ledger places up to `through` whose file is gone."""
    return tuple(sorted("/".join(place) for place in gone if through is None or place[1] <= through))


@contextmanager
def _scratch(settings: Settings) -> Iterator[Path]:
    """A private folder in the vault; also removes what a killed run left behind (the caller holds the vault's lock)."""
    for left_behind in settings.vault_temp.glob("load-*"):
        shutil.rmtree(left_behind, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="load-", dir=settings.vault_temp) as folder:
        yield Path(folder)


class _Load:
    """One run over the files of one entity."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        key: bytes,
        forgotten: tombstones.Tombstones,
        target: LoadContext,
        entity: str,
        small_file: int,
        progress: Progress | None,
    ) -> None:
        self.result = LoadResult()
        self.known = ledger.versions(connection, entity)
        self._connection = connection
        self._key = key
        self._forgotten = forgotten
        self._target = target
        self._entity = entity
        self._small_file = small_file
        self._progress = progress
        self._batch: list[ledger.Loaded] = []
        self._next = ledger.next_file_no(connection)

    def take(self, file: DeliveredFile, profile: SiteProfile) -> None:
        """Load, replace or skip one file, depending on the ledger."""
        read_as = ledger.read_as(file, profile)
        same = next((v for v in self.known.get(file.place, ()) if v.sha256 == file.sha256), None)
        if same is None and self._is_small(file):
            self._stage(file, profile, read_as)
        elif same is None:
            self.commit_staged()
            self._load_alone(file, profile, read_as, self._next)
            self._next += 1
        elif same.read_as != read_as:
            self.commit_staged()
            self._load_alone(file, profile, read_as, same.file_no)
        else:
            if not same.is_current:
                with self._transaction(file.where):
                    ledger.make_current(self._connection, self._entity, file.place, same.file_no)
                self.result.n_files_replaced += 1
            self._report(file, 0)

    def drop(self, places: Iterable[ledger.Place]) -> None:
        """Leave these places without a current version: their files are still there, but without this entity."""
        for place in places:
            if any(version.is_current for version in self.known.get(place, ())):
                with self._transaction("/".join(place)):
                    ledger.make_current(self._connection, self._entity, place, None)
                self.result.n_files_replaced += 1

    def commit_staged(self) -> None:
        """Load all staged files in one transaction."""
        batch, self._batch = self._batch, []
        if batch:
            with self._transaction(f"{batch[0].file.where} to {batch[-1].file.where}"):
                self._target.staging.load(self._connection)
                self._enter(batch)
            self._count(batch)

    def _is_small(self, file: DeliveredFile) -> bool:
        limit = self._small_file // (8 if file.path.lower().endswith(".gz") else 1)
        return file.format == "csv" and file.size <= limit

    def _stage(self, file: DeliveredFile, profile: SiteProfile, read_as: str) -> None:
        with self._target.staging.whole_file():
            loaded = self._read(file, profile, read_as, self._next, LoadStrategy.STAGE)
        self._next += 1
        self._batch.append(loaded)
        if self._target.staging.size > _BATCH_BYTES or len(self._batch) >= _BATCH_FILES:
            self.commit_staged()

    def _load_alone(self, file: DeliveredFile, profile: SiteProfile, read_as: str, file_no: int) -> None:
        """Load one file in its own transaction; if a faster strategy fails, use the next one."""
        for way in (LoadStrategy.BULK, LoadStrategy.SIEVE, LoadStrategy.EXACT):
            with suppress(duckdb.Error, OSError, NotPlainError), self._target.staging.whole_file():
                loaded = self._load_once(file, profile, read_as, file_no, way)
                break
        self._count([loaded])

    def _load_once(
        self, file: DeliveredFile, profile: SiteProfile, read_as: str, file_no: int, way: LoadStrategy
    ) -> ledger.Loaded:
        with self._transaction(file.where if way is LoadStrategy.EXACT else None):
            ledger.remove(self._connection, self._entity, file_no)
            loaded = self._read(file, profile, read_as, file_no, way)
            self._enter([loaded])
        return loaded

    def _read(
        self, file: DeliveredFile, profile: SiteProfile, read_as: str, file_no: int, way: LoadStrategy
    ) -> ledger.Loaded:
        reading = read_file(self._target, file, profile, file_no, way)
        name = file_id(self._key, file.site, file.delivery, file.entity, file.path, file.sha256)
        return ledger.Loaded(file, file_no, name, read_as, reading)

    def _enter(self, loaded: Sequence[ledger.Loaded]) -> None:
        """Add ledger entries, salts and patients of files whose rows are in raw; their numbers are consecutive."""
        for entry in loaded:
            if entry.file.place in self.known:
                ledger.make_current(self._connection, self._entity, entry.file.place, None)
        ledger.enter(self._connection, loaded)
        add_salts(self._connection, self._key, {entry.file.site for entry in loaded})
        first, last = loaded[0].file_no, loaded[-1].file_no
        erase(self._connection, self._forgotten, self._entity, first, last)
        add_patients(self._connection, self._key, self._entity, first, last)

    def _count(self, loaded: Sequence[ledger.Loaded]) -> None:
        for entry in loaded:
            if entry.file.place in self.known:
                self.result.n_files_replaced += 1
            else:
                self.result.n_files_new += 1
            reading, counts = entry.reading, entry.reading.counts
            self.result.n_rows_new += counts.n_rows
            self.result.n_malformed += counts.n_malformed
            self.result.unknown_columns |= {(entry.file.site, name) for _, name in reading.header.unknown}
            self.result.unread_sheets |= {(entry.file.where, number) for number in reading.unread_sheets}
            self._report(entry.file, counts.n_rows)

    def _report(self, file: DeliveredFile, n_rows: int) -> None:
        if self._progress:
            self._progress(file, n_rows)

    @contextmanager
    def _transaction(self, where: str | None) -> Iterator[None]:
        """One transaction. DuckDB's errors quote cells: with `where` they are replaced by a message of our own."""
        self._connection.begin()
        try:
            yield
            self._connection.commit()
        except BaseException as error:
            with suppress(duckdb.Error):
                self._connection.rollback()
            if where and memory.ran_out(error):
                raise UserError(memory.line(f"loading {where}", error)) from None
            if where and isinstance(error, (duckdb.Error, OSError)):
                raise UserError(
                    f"{where} could not be written to the vault ({type(error).__name__}): check the free disk space"
                ) from None
            raise
