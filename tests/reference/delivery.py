"""How facts reach the registry: by month, corrected, cancelled, repeated, as deltas or snapshots.

Nothing made here is wrong; defects.py does that. A fact travels in a month that ends after its
date; an end, a death or a contact that lies later is added by a correction.
"""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date

from .codes import read_period
from .judge import last_day
from .model import KEYS, File, Site

LATER_CELLS = {
    "patients": ("death_date", "last_contact_date"),
    "treatments": ("end_date",),
}


@dataclass(frozen=True)
class Fact:
    """Something true of a patient; `day` bounds the first month that can tell it (None: any)."""

    entity: str
    key: str
    day: date | None
    cells: dict[str, str] = field(default_factory=dict)


def deliver(rng: random.Random, site: str, profile: Site, facts: list[Fact], months: tuple[str, ...]) -> list[File]:
    """The site's files; facts later than its last month are never told."""
    versions: dict[tuple[str, str], dict[str, dict[str, str]]] = {}
    for fact in facts:
        possible = [m for m in months if fact.day is None or fact.day <= last_day(m)]
        if possible:
            first = possible[0] if rng.random() < 0.8 else rng.choice(possible)
            if fact.entity == "patients":
                first = possible[0]
            later = [m for m in months if m >= first]
            versions[fact.entity, fact.key] = _versions(rng, fact, later)
    if profile.mode == "snapshot":
        versions = {key: _carried(rng, key, told, months) for key, told in versions.items()}

    files: list[File] = []
    for month in months:
        for entity in KEYS:
            rows = [told[month] for (e, _), told in versions.items() if e == entity and month in told]
            if entity != "patients":
                rng.shuffle(rows)
            files += _files(rng, site, month, entity, rows)
    return files


def _versions(rng: random.Random, fact: Fact, months: list[str]) -> dict[str, dict[str, str]]:
    """What each month says of the fact: as it is known by then, told where it changed."""
    told: dict[str, dict[str, str]] = {}
    previous: dict[str, str] | None = None
    for month in months:
        row = {KEYS[fact.entity]: fact.key} | fact.cells
        for column in LATER_CELLS.get(fact.entity, ()):
            period = read_period(row.get(column, ""), Site())
            if period and period[0] > last_day(month):
                row[column] = ""
                if column == "end_date":
                    row["end_reason"] = ""
        fate = rng.random()
        if previous is None:
            told[month] = row
        elif fate < 0.03 and fact.entity != "patients":
            told[month] = row | {"status": "cancelled"}
        elif fate < 0.06 and fact.entity == "lab_results" and row["value"][:1].isdigit():
            told[month] = row | {"value": "1" if row["unit"] == "1" else rng.choice(("1", "10")), "status": "corrected"}
        elif fate < 0.10 or row != previous:
            told[month] = row
        previous = told.get(month, previous)
    return told


def _carried(
    rng: random.Random,
    key: tuple[str, str],
    told: dict[str, dict[str, str]],
    months: tuple[str, ...],
) -> dict[str, dict[str, str]]:
    """A snapshot repeats all that is known; now and then a key is absent from one."""
    carried: dict[str, dict[str, str]] = {}
    row: dict[str, str] | None = None
    for month in months:
        row = told.get(month, row)
        dropped = rng.random() < (0.01 if key[0] == "patients" else 0.04)
        if row is not None and not dropped:
            carried[month] = row
    return carried


def _files(rng: random.Random, site: str, month: str, entity: str, rows: list[dict[str, str]]) -> list[File]:
    """One file, sometimes two; none or an empty one where there is nothing to tell."""
    if not rows and rng.random() < 0.7:
        return []
    parts: dict[str, list[dict[str, str]]] = defaultdict(list)
    split = rng.random() < 0.2
    for row in rows:
        parts["_b" if split and rng.random() < 0.4 else ""].append(row)
        if rng.random() < 0.02:
            parts["_b" if split else ""].append(dict(row))  # the same row twice
    return [
        File(site, month, entity, f"{entity}{suffix}.csv", tuple(parts[suffix])) for suffix in sorted(parts or {"": []})
    ]
