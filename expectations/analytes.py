"""The bounds of each analyte, from the seed `analytes.csv`: the gate knows no number of its own."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass

from registry.paths import SEEDS


@dataclass(frozen=True)
class Bounds:
    """The range of an analyte in its canonical unit, both ends included; `high` is None where there is no bound."""

    low: float
    high: float | None

    def violated_by(self, value: str) -> str:
        """SQL: a value lies outside."""
        return f"{value} < {self.low:g}" + ("" if self.high is None else f" OR {value} > {self.high:g}")

    def in_words(self) -> str:
        """`below 5 or above 1500`; a lower bound of 0 needs no word."""
        words = ([f"below {self.low:g}"] if self.low else []) + (
            [f"above {self.high:g}"] if self.high is not None else []
        )
        return " or ".join(words)


def _read(kind: str) -> dict[str, Bounds]:
    with (SEEDS / "analytes.csv").open(encoding="utf-8", newline="") as file:
        return {
            row["analyte"]: Bounds(
                float(row[f"{kind}_low"]), float(row[f"{kind}_high"]) if row[f"{kind}_high"] else None
            )
            for row in csv.DictReader(file)
        }


POSSIBLE = _read("hard")
PLAUSIBLE = _read("soft")


def outside(bounds: dict[str, Bounds], analytes: Iterable[str], value: str) -> str:
    """SQL: a row with the column `analyte` whose value lies outside the bounds of that analyte."""
    return " OR ".join(f"(analyte = '{name}' AND ({bounds[name].violated_by(value)}))" for name in analytes)
