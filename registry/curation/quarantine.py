"""Quarantined rows for the data manager: file, record and reasons in plain words; never a value."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb

from registry.config.input_contract import ENTITIES
from registry.config.settings import Settings, is_month
from registry.config.site import SiteProfile
from registry.curation import similar_ids
from registry.errors import UserError
from registry.ingest import load_profiles
from registry.ingest.staging import NOT_KEPT
from registry.paths import SEEDS
from registry.system import memory
from registry.system.sql import attach
from registry.vault.database import connect_vault


@dataclass(frozen=True)
class QuarantinedRow:
    """One quarantined row: its place and the codes of its reasons.

    record: its number in the file. row_number: its number in raw, where each test of a wide laboratory table is a row.
    is_open: its record has not been delivered again since (model int_quarantined_row).
    n_cells: (cells, columns in the header) of a record that does not match its header.
    similar_id: a sentence, if its unknown patient id resembles a known one.
    """

    site: str
    delivery: str
    entity: str
    file: str
    record: int
    reasons: tuple[str, ...]
    file_no: int
    row_number: int
    is_open: bool
    n_cells: tuple[int, int] | None = None
    similar_id: str | None = None

    def why(self, meanings: dict[str, str]) -> str:
        """The reasons in plain words, how an id differs, and how many cells too many or too few."""
        text = " ".join([*(meanings[code] for code in self.reasons), *filter(None, [self.similar_id])])
        if self.n_cells is None:
            return text
        sent, named = self.n_cells
        n_wrong = "one cell" if abs(sent - named) == 1 else f"{abs(sent - named)} cells"
        which = "many" if sent > named else "few"
        return f"{text} It has {sent} cells but the header has {named}: {n_wrong} too {which}."


@dataclass(frozen=True)
class Filter:
    """Which records to list; None means all. `reason`: one of the record's reasons."""

    site: str | None = None
    delivery: str | None = None
    entity: str | None = None
    reason: str | None = None

    def check(self) -> None:
        """Raise UserError if the entity, reason or month does not exist."""
        if self.entity is not None and self.entity not in ENTITIES:
            raise UserError(f"--entity {self.entity} is unknown; use one of {', '.join(ENTITIES)}")
        if self.reason is not None and self.reason not in reasons():
            raise UserError(f"--reason {self.reason} is unknown; use one of {', '.join(sorted(reasons()))}")
        if self.delivery is not None and not is_month(self.delivery):
            raise UserError(f"--delivery must be YYYY-MM, got {self.delivery}")

    def values(self) -> dict[str, str | None]:
        """The values by name, for a query."""
        return {"site": self.site, "delivery": self.delivery, "entity": self.entity, "reason": self.reason}


def reasons() -> dict[str, str]:
    """Every reason code with its meaning and remedy, from the seed `quarantine_reasons`."""
    with (SEEDS / "quarantine_reasons.csv").open(newline="") as file:
        return {row["reason"]: f"{row['meaning']}. {row['remedy']}." for row in csv.DictReader(file)}


def held_back(settings: Settings, which: Filter, *, with_closed: bool = False) -> list[QuarantinedRow]:
    """Open rows of the last build, or all that are quarantined, by site, delivery, file and record.

    Raises:
        UserError: if the filter names something unknown, or nothing has been built yet.
    """
    which.check()
    with connect_built(settings) as connection:
        check_built(settings, connection, which)
        found = connection.execute(
            """
            SELECT files.site, files.delivery, aside.entity, files.path,
                (aside.record_number - 1) // files.cells_per_record + 1 AS record, aside.reasons, file_no,
                aside.record_number AS row_number, aside.is_open
            FROM built.intermediate.int_quarantined_row AS aside JOIN input_file AS files USING (file_no)
            WHERE files.is_current AND (aside.is_open OR $with_closed)
                AND files.site = coalesce($site, files.site) AND files.delivery = coalesce($delivery, files.delivery)
                AND aside.entity = coalesce($entity, aside.entity)
                AND ($reason IS NULL OR list_contains(string_split(aside.reasons, ','), $reason))
            ORDER BY files.site, files.delivery, files.path, aside.entity, row_number
            """,
            {**which.values(), "with_closed": with_closed},
        ).fetchall()
        n_cells = _cells_of_malformed(settings, connection)
        similar = similar_ids.hints(connection, which.site)
    return [
        QuarantinedRow(
            site,
            delivery,
            entity,
            file,
            record,
            tuple(codes.split(",")),
            file_no,
            row_number,
            is_open,
            n_cells.get((entity, file_no, row_number)),
            similar.get((entity, file_no, row_number)),
        )
        for site, delivery, entity, file, record, codes, file_no, row_number, is_open in found
    ]


def check_built(settings: Settings, connection: duckdb.DuckDBPyConnection, which: Filter) -> None:
    """Raise UserError if the filter's site has delivered nothing, or an earlier version built the file."""
    if which.site is not None:
        sites = [row[0] for row in connection.execute("SELECT DISTINCT site FROM input_file ORDER BY 1").fetchall()]
        if which.site not in sites:
            raise UserError(f"--site {which.site} has delivered nothing; known: {', '.join(sites) or 'none'}")
    try:
        connection.execute("SELECT is_open FROM built.intermediate.int_quarantined_row LIMIT 0")
    except duckdb.CatalogException:
        raise UserError(
            f"{settings.warehouse}: built by an earlier version, which did not tell open rows from closed ones; "
            "run: registry refresh"
        ) from None


def _cells_of_malformed(
    settings: Settings, connection: duckdb.DuckDBPyConnection
) -> dict[tuple[str, int, int], tuple[int, int]]:
    """Malformed records whose number of cells differs from the header: (entity, file, row) → (cells, header columns).

    Without records of files with columns that are not stored (those records are not kept), and without records of one
    cell (the result of an unknown delimiter).
    """
    try:
        profiles = load_profiles(settings)
    except UserError:
        return {}
    found: dict[tuple[str, int, int], tuple[int, int]] = {}
    for entity in ENTITIES:
        rows = connection.execute(
            f"""
            SELECT file_no, r.record_number, r.malformed, f.site, f.format, f.columns
            FROM raw."{entity}" AS r JOIN input_file AS f USING (file_no)
            WHERE f.is_current AND r.malformed IS NOT NULL AND r.malformed <> $not_kept
            """,
            {"not_kept": NOT_KEPT},
        ).fetchall()
        for file_no, number, text, site, form, columns in rows:
            profile = profiles.get(site, SiteProfile())
            delimiter = "\t" if form == "xlsx" else profile.csv.delimiter
            sent, named = len(next(csv.reader([text], delimiter=delimiter, strict=False), [])), len(json.loads(columns))
            if sent not in (0, 1, named):
                found[entity, file_no, number] = sent, named
    return found


@contextmanager
def connect_built(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """Connect to the vault, with the build file attached as `built`, both read-only.

    Raises:
        UserError: if nothing has been built yet, or a refresh is running.
    """
    if not settings.warehouse.exists():
        raise UserError(f"{settings.warehouse}: nothing has been built yet; run: registry refresh")
    with connect_vault(settings, read_only=True) as connection:
        try:
            try:
                attach(connection, settings.warehouse, "built")
                connection.execute("SELECT 1 FROM built.intermediate.int_row_disposition LIMIT 0")
            except duckdb.Error as error:
                if memory.ran_out(error):
                    raise
                raise UserError(
                    f"{settings.warehouse}: can't be read now; wait for the running refresh, or run: registry refresh"
                ) from None
            yield connection
        finally:
            connection.execute("DETACH DATABASE IF EXISTS built")
