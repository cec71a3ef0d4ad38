"""Laboratory results as one row per draw and one column per test, for hospitals that export wide tables.

The draw's key is the specimen. A wide table can't express another unit, a test without a column, limits of one result,
or the cancellation of a single result.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from registry.simulate.dialects import WIDE_COLUMNS, Tests


class Result(Protocol):
    """One result: native cells by column, and how its line is damaged (or "")."""

    cells: dict[str, str]
    damage: str


R = TypeVar("R", bound=Result)


@dataclass(slots=True, eq=False)
class Draw(Generic[R]):
    """One row of the table: cells by column, and its results by test."""

    cells: dict[str, str]
    damage: str = ""
    results: dict[str, R] = field(default_factory=dict)


def has_place_for(tests: Tests, cells: Mapping[str, str]) -> bool:
    """Whether the table can express a result with these native cells."""
    limits = (cells.get("reference_low", ""), cells.get("reference_high", ""))
    return (
        (cells["test_code"], cells["unit"]) in tests.values()
        and bool(cells["value"])
        and not cells.get("material")
        and bool(cells["patient_id"])  # a blank one means "as above"
        and cells["status"] != "cancelled"  # which would cancel every test of the draw
        and all(limit.replace(".", "").isdigit() or not limit for limit in limits)
    )


def draws_of(tests: Tests, rows: Iterable[R]) -> list[Draw[R]]:
    """The rows of one file as draws; only the first of a patient's successive draws has the patient's id.

    Successive results of one specimen share a draw if only their test and value differ, so that two rows for the same
    result stay in order.
    """
    header_of = {test: header for header, test in tests.items()}
    draws: list[Draw[R]] = []
    latest: dict[str, tuple[tuple[str, ...], Draw[R]]] = {}
    for row in rows:
        header = header_of[row.cells["test_code"], row.cells["unit"]]
        own_key = row.cells["specimen_id"] if row.cells["result_id"] else ""
        cells = {column: row.cells[column] for column in WIDE_COLUMNS} | {"result_id": own_key}
        shared = (*cells.values(), row.damage)
        said, draw = latest.get(row.cells["specimen_id"], ((), None))
        if draw is None or said != shared or row.damage or header in draw.results:
            draw = Draw(cells, row.damage)
            draws.append(draw)
            latest[row.cells["specimen_id"]] = shared, draw
        draw.cells[header] = row.cells["value"]
        draw.results[header] = row
    above = ""
    for draw in draws:
        patient = draw.cells["patient_id"]
        if patient == above:
            draw.cells["patient_id"] = ""
        above = "" if draw.damage else patient  # nothing is carried over a row that can't be read
    return draws
