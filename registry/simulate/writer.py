"""Write rows to `<out>/<site>/<YYYY-MM>/<entity>_synthetic.csv`, in constant memory.

Rows pass through a `Sink`, a few at a time. File names, patient ids and `synthetic: true` in registry.yml mark the rows
as simulated.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from registry.config.input_contract import ENTITIES

_ROWS_IN_MEMORY = 200_000


class Sink(Protocol):
    """Receives rows as CSV lines without line ends. No field contains a comma, a quote or a line end."""

    def take(self, site: str, delivery: int, entity: str, rows: list[str]) -> None:
        """Receive rows of one patient for one file; `delivery` is the index of the month in the calendar."""


class DeliveryWriter:
    """A `Sink` that writes files, with a limited number of rows in memory and one open file at a time."""

    def __init__(self, out: Path, months: tuple[str, ...]) -> None:
        self._out = out
        self._months = months
        self._held: dict[tuple[str, int, str], list[str]] = {}
        self._n_held = 0
        self._files: set[tuple[str, int, str]] = set()
        self.rows = dict.fromkeys(ENTITIES, 0)

    @property
    def n_files(self) -> int:
        """Files written so far."""
        return len(self._files)

    @property
    def sites(self) -> tuple[str, ...]:
        """Names of the sites written so far."""
        return tuple(sorted({site for site, _, _ in self._files}))

    def take(self, site: str, delivery: int, entity: str, rows: list[str]) -> None:
        """See `Sink`."""
        held = self._held.get((site, delivery, entity))
        if held is None:
            held = self._held[site, delivery, entity] = []
        held += rows
        self.rows[entity] += len(rows)
        self._n_held += len(rows)
        if self._n_held >= _ROWS_IN_MEMORY:
            self.flush()

    def flush(self) -> None:
        """Append the rows in memory to their files."""
        for place, rows in self._held.items():
            site, delivery, entity = place
            path = self._out / site / self._months[delivery] / f"{entity}_synthetic.csv"
            if place not in self._files:
                self._files.add(place)
                path.parent.mkdir(parents=True, exist_ok=True)
                header = ",".join(ENTITIES[entity].columns)
                path.write_text(header + "\n", encoding="utf-8", newline="")
            with path.open("a", encoding="utf-8", newline="") as file:
                file.write("\n".join(rows) + "\n")
        self._held.clear()
        self._n_held = 0
