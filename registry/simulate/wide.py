"""Laboratory results laid out as one row a draw and one column a test, for the hospitals that export them so.

The draw's own key is the specimen. What a wide table has no place for (another unit, a test without a column, limits of
one result, a result that is cancelled alone) can't be said in it.
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
    """One row of the table: cells by column, and the results that it holds by test."""

    cells: dict[str, str]
    damage: str = ""
    results: dict[str, R] = field(default_factory=dict)


def has_place_for(tests: Tests, cells: Mapping[str, str]) -> bool:
    """Whether a result with these native cells can stand in the table and mean the same."""
    limits = (cells.get("reference_low", ""), cells.get("reference_high", ""))
    return (
        (cells["test_code"], cells["unit"]) in tests.values()
        and bool(cells["value"])
        and not cells.get("material")
        and bool(cells["patient_id"])  # a blank one means "as above"
        and cells["status"] != "cancelled"  # which would take back every test of the draw
        and all(limit.replace(".", "").isdigit() or not limit for limit in limits)
    )


def draws_of(tests: Tests, rows: Iterable[R]) -> list[Draw[R]]:
    """The rows of one file as draws; a patient's id stands on the first of the patient's draws alone.

    Results of one specimen that follow each other share a draw where they agree about everything but test and value.
    So two rows about one result stay in their order.
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
