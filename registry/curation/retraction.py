"""Retractions: exclude a misplaced delivery from all results, record it, and undo it on request.

A retraction applies to a place (a file, or a site's whole month), not to its bytes: anything delivered there later is
loaded into raw but not used either, until the retraction is undone.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb

from registry.config.yaml_file import nearest
from registry.errors import UserError
from registry.ingest import ledger
from registry.system import event_log
from registry.system.disk import writing
from registry.vault.database import connect_vault

if TYPE_CHECKING:
    from registry.config.settings import Settings


@dataclass(frozen=True)
class Place:
    """A file of a delivery; the whole delivery if `path` is None."""

    site: str
    delivery: str
    path: str | None

    @property
    def where(self) -> str:
        """The place as the user types it."""
        return "/".join(part for part in (self.site, self.delivery, self.path) if part)


@dataclass(frozen=True)
class Held:
    """The current files at a place as (name, entity, rows), and whether the place is retracted."""

    place: Place
    files: tuple[tuple[str, str, int], ...]
    is_retracted: bool

    @property
    def rows(self) -> dict[str, int]:
        """Rows by entity."""
        rows: dict[str, int] = {}
        for _, entity, n_rows in self.files:
            rows[entity] = rows.get(entity, 0) + n_rows
        return rows


def parse(text: str) -> Place:
    """Parse SITE/MONTH or SITE/MONTH/FILE; UserError for any other text."""
    parts = unicodedata.normalize("NFC", text).strip("/").split("/")
    if len(parts) not in (2, 3) or not all(parts):
        raise UserError(f"'{text}' is not the place of a delivery: write SITE/MONTH or SITE/MONTH/FILE")
    return Place(parts[0], parts[1], parts[2] if len(parts) == 3 else None)


def find(settings: Settings, place: Place) -> Held:
    """The current files at a place, from the ledger.

    Raises:
        UserError: if nothing was loaded there; suggests the nearest name.
    """
    with connect_vault(settings, read_only=True) as connection:
        known = [row[0] for row in connection.execute("SELECT DISTINCT site FROM main.input_file").fetchall()]
        _require(place.site, known, "site", "has no loaded delivery")
        months = _column(connection, "SELECT DISTINCT delivery FROM main.input_file WHERE site = $1", place.site)
        _require(place.delivery, months, f"{place.site}/", "is not a loaded month of this site")
        files = connection.execute(
            """
            SELECT path, entity, n_rows - coalesce(
                (SELECT sum(erased.n_rows) FROM main.erased AS erased WHERE erased.file_no = file.file_no), 0
            )::BIGINT
            FROM main.input_file AS file WHERE is_current AND site = $1 AND delivery = $2 ORDER BY path
            """,
            [place.site, place.delivery],
        ).fetchall()
        if place.path is not None:
            _require(place.path, [path for path, *_ in files], f"{place.site}/{place.delivery}/", "is not loaded")
            files = [file for file in files if file[0] == place.path]
        retracted = ledger.retractions(connection)
    is_retracted = (place.site, place.delivery, None) in retracted or (
        place.path is not None and (place.site, place.delivery, place.path) in retracted
    )
    return Held(place, tuple(files), is_retracted)


def retract(settings: Settings, held: Held) -> None:
    """Retract a place. The caller holds the refresh lock."""
    place = held.place
    with writing(settings.raw_db), connect_vault(settings) as connection:
        connection.begin()
        if place.path is None:  # the month includes its files
            _delete(connection, place)
        connection.execute(
            "INSERT INTO main.retraction VALUES ($1, $2, $3, now()::TIMESTAMP)",
            [place.site, place.delivery, place.path],
        )
        connection.commit()
    _record(settings, "delivery_retracted", held)


def find_retracted(settings: Settings, place: Place) -> Held:
    """The current files at a retracted place, from the ledger.

    Raises:
        UserError: if the place is not retracted; suggests the nearest one that is.
    """
    with connect_vault(settings, read_only=True) as connection:
        retracted = ledger.retractions(connection)
    mine = {one for one in retracted if one[:2] == (place.site, place.delivery)}
    if place.path is not None and (place.site, place.delivery, None) in mine:
        month = f"{place.site}/{place.delivery}"
        raise UserError(f"{place.where}: the whole month is retracted; undo that with --undo {month}")
    if not mine or (place.path is not None and (place.site, place.delivery, place.path) not in mine):
        names = [Place(*one).where for one in retracted]
        raise UserError(f"{place.where} is not retracted{nearest(place.where, names)}; see registry retract --list")
    return find(settings, place)


def undo(settings: Settings, held: Held) -> None:
    """Undo the retraction of a file, or of a month with all its files. The caller holds the refresh lock."""
    with writing(settings.raw_db), connect_vault(settings) as connection:
        _delete(connection, held.place)
    _record(settings, "retraction_undone", held)


def listed(settings: Settings) -> list[tuple[Any, ...]]:
    """Every retracted place: site, delivery, file (None: the whole month), date, current files and rows there."""
    if not settings.raw_db.exists():
        return []
    with connect_vault(settings, read_only=True) as connection:
        if not ledger.retractions(connection):
            return []
        return connection.execute(
            """
            SELECT place.site, place.delivery, place.path, strftime(place.retracted_at, '%Y-%m-%d'),
                count(file.file_no), coalesce(sum(file.n_rows), 0)::BIGINT
            FROM main.retraction AS place
            LEFT JOIN main.input_file AS file ON file.is_current AND place.site = file.site
                AND place.delivery = file.delivery AND coalesce(place.path, file.path) = file.path
            GROUP BY ALL ORDER BY ALL
            """
        ).fetchall()


def _require(name: str, known: list[str], what: str, mistake: str) -> None:
    if name not in known:
        shown = f"{what}{name}" if what.endswith("/") else f"{what} {name}"
        raise UserError(f"{shown} {mistake}{nearest(name, known)}")


def _column(connection: duckdb.DuckDBPyConnection, sql: str, *values: str) -> list[str]:
    return [row[0] for row in connection.execute(sql, list(values)).fetchall()]


def _delete(connection: duckdb.DuckDBPyConnection, place: Place) -> None:
    connection.execute(
        "DELETE FROM main.retraction WHERE site = $1 AND delivery = $2 AND ($3 IS NULL OR path = $3)",
        [place.site, place.delivery, place.path],
    )


def _record(settings: Settings, event: str, held: Held) -> None:
    """Record it in the event log, without file names."""
    event_log.record(
        settings,
        event,
        site=held.place.site,
        delivery=held.place.delivery,
        whole_month=held.place.path is None,
        files=len(held.files),
        **{f"rows_{entity}": n_rows for entity, n_rows in held.rows.items()},
    )
