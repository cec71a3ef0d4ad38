"""One hospital's rows before they are written: every record with its versions and their expected dispositions.

A book is a `Sink`, filled from a patient's history like the plain files. Each row has its own answer: its
`disposition`, its reasons for quarantine, its emptied cells. For sound rows the last version of a record is current and
the earlier ones are superseded. `injected_defects` sets the answers of rows that it changes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import NamedTuple

from registry.config.input_contract import ENTITIES
from registry.simulate.days import DeliveryCalendar
from registry.simulate.dialects import Dialect
from registry.simulate.site_files import write_file
from registry.simulate.wide import draws_of


@dataclass(slots=True, eq=False)
class Row:
    """One delivered row: native cells, the delivery's number, and its answer.

    `order`: its place among the rows of its file. `part`: the suffix of that file's name. `damage`: how its line is
    broken. A snapshot repeats the row while it is `carried` and has no later version.
    """

    entity: str
    cells: dict[str, str]
    delivery: int
    order: float
    part: str = ""
    damage: str = ""
    carried: bool = True
    disposition: str = "current"
    reasons: tuple[str, ...] = ()
    emptied: tuple[tuple[str, str], ...] = ()
    contested: bool = False
    story: str = ""

    @property
    def is_cancelled(self) -> bool:
        """Whether the row cancels its record."""
        return self.cells.get("status") == "cancelled"


@dataclass(slots=True, eq=False)
class Record:
    """All rows of one key, in order of precedence. `absent`: deliveries whose snapshot lacks the key."""

    entity: str
    patient_id: str
    rows: list[Row]
    absent: set[int] = field(default_factory=set)
    is_taken: bool = False
    """Whether a story already uses it."""


class Place(NamedTuple):
    """A file of one hospital; sorts in the order in which the warehouse reads files."""

    delivery: int
    path: str
    entity: str


class Written(NamedTuple):
    """A file by its place, and its rows: the record's number, the test's column in a wide table, and the row."""

    place: str
    entity: str
    rows: list[tuple[int, str, Row]]


class SiteRows:
    """The records of one hospital."""

    def __init__(self, dialect: Dialect, calendar: DeliveryCalendar) -> None:
        self.dialect = dialect
        self.calendar = calendar
        last = len(calendar.names) - 1
        self.deliveries = tuple(n for n in range(last + 1) if (last - n) % dialect.every == 0)
        self.records: dict[str, list[Record]] = {entity: [] for entity in ENTITIES}
        self.of_patient: dict[str, list[Record]] = defaultdict(list)
        self._by_key: dict[tuple[str, str], Record] = {}
        self._known: dict[tuple[str, str], dict[int, int]] = defaultdict(dict)
        self._order = count(1)

    def take(self, site: str, delivery: int, entity: str, rows: list[str]) -> None:
        """See `Sink`. Rows of a month without a delivery go into the next one."""
        columns = ENTITIES[entity].columns
        told = next(n for n in self.deliveries if n >= delivery)
        for line in rows:
            cells = dict(zip(columns, line.split(","), strict=True))
            self._add(entity, cells, told, delivery)

    def _add(self, entity: str, cells: dict[str, str], told: int, known: int) -> None:
        key = cells[ENTITIES[entity].key]
        row = Row(entity, cells, told, next(self._order))
        record = self._by_key.get((entity, key))
        if record is None:
            record = self._by_key[entity, key] = self.add(Record(entity, cells["patient_id"], [row]))
        else:
            if known < self._known[entity, key].get(told, -1):
                return  # of two versions in one delivery, the one known later counts
            others = [other for other in record.rows if other.delivery != told]
            record.rows = sorted([*others, row], key=lambda version: version.delivery)
        self._known[entity, key][told] = known
        for version in record.rows:
            version.disposition = "superseded"
        record.rows[-1].disposition = "current"

    def add(self, record: Record) -> Record:
        """Add a record."""
        self.records[record.entity].append(record)
        self.of_patient[record.patient_id].append(record)
        return record

    def remove(self, record: Record) -> None:
        """Remove a record that the hospital never sent."""
        self.records[record.entity].remove(record)
        self.of_patient[record.patient_id].remove(record)

    def next_order(self) -> float:
        """A place after every row so far."""
        return next(self._order)

    def files(self) -> Iterator[tuple[Place, list[Row]]]:
        """Every file with its rows in order, by delivery and path."""
        rows_of: dict[Place, list[Row]] = defaultdict(list)
        for entity, records in self.records.items():
            for record in records:
                for row in self._delivered(record):
                    part = f"_{row.part}" if row.part else ""
                    path = f"{entity}{part}_synthetic.{self.dialect.format}"
                    rows_of[Place(row.delivery, path, entity)].append(row)
        for place in sorted(rows_of):
            yield place, sorted(rows_of[place], key=lambda row: row.order)

    def _delivered(self, record: Record) -> list[Row]:
        """The record's rows; at a site with snapshots, also the repetitions in every later delivery."""
        if self.dialect.mode == "delta":
            return record.rows
        delivered: list[Row] = []
        in_force: list[Row] = []
        for delivery in self.deliveries:
            told = [row for row in record.rows if row.delivery == delivery]
            if told:
                in_force = told
                delivered += told
            elif delivery not in record.absent:
                in_force = [_repeated(row, delivery) for row in in_force if row.carried]
                delivered += in_force
        # If a key has no current row, its last row is the reason.
        contested = [number for number, row in enumerate(delivered) if row.contested]
        for number in contested[:-1]:
            delivered[number] = replace(delivered[number], contested=False)
        return delivered

    def write(self, out: Path) -> Iterator[Written]:
        """Write site.yml and every file; yields each file written."""
        profile = self.dialect.site_yml()
        folder = out / self.dialect.name
        folder.mkdir(parents=True, exist_ok=True)
        if profile:
            (folder / "site.yml").write_text(profile, encoding="utf-8", newline="")
        for (delivery, path, entity), rows in self.files():
            place = f"{self.dialect.name}/{self.calendar.names[delivery]}/{path}"
            if self.dialect.is_wide(entity):
                draws = draws_of(self.dialect.wide, rows)
                write_file(out / place, self.dialect, entity, draws)
                results = enumerate(draws, 1)
                # the test of a row that can't be read is unknown
                numbered = [(n, "" if d.damage else test, row) for n, d in results for test, row in d.results.items()]
            else:
                write_file(out / place, self.dialect, entity, rows)
                numbered = [(number, "", row) for number, row in enumerate(rows, 1)]
            yield Written(place, entity, numbered)


def _repeated(row: Row, delivery: int) -> Row:
    """The row in a later snapshot: quarantined like the first, or else a duplicate of it."""
    if row.reasons:
        return replace(row, delivery=delivery)
    return replace(row, delivery=delivery, disposition="duplicate", emptied=(), contested=False)
