"""Wide laboratory tables (one row per draw, one column per test): propose the key `wide` of site.yml.

A header names the test and, at best, its unit: `Neutrofili (10^3/uL)`, `NEU%`. Units are never guessed: a person must
add them if the header has none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from registry.profile.columns import ColumnCells
from registry.profile.recognise import loinc_of, named_test, unit_dimension, unit_meant

NOT_WIDE = frozenset(("value", "unit", "test_code", "test_name", "result_id", "reference_low", "reference_high"))
"""Columns of lab_results that a wide table does not have."""
_BLANK_SHARE = 0.05
_CARRIED = ("patient_id", "collected_at", "specimen_id")
_WITH_UNIT = re.compile(r"^(?P<name>.*?[^\s(\[])\s*[(\[](?P<unit>[^()\[\]]+(\([^()]*\)[^()\[\]]*)?)[)\]]\s*$")


@dataclass(frozen=True)
class WideTest:
    """One column of a wide table: its header, and the code and unit of its results (None if unknown)."""

    header: str
    code: str | None
    unit: str | None
    analytes: tuple[str, ...]

    @property
    def is_known(self) -> bool:
        """Whether code and unit are known."""
        return self.code is not None and self.unit is not None


def wide_tests(header: Sequence[str], cells: Sequence[ColumnCells] | None = None) -> dict[int, WideTest]:
    """The columns named after a test of the registry, by position; empty if the table is not wide.

    A wide table has at least two such columns, and their cells (if given) are numbers.
    """
    found = {}
    for position, name in enumerate(header):
        test = _wide_test(name.strip())
        if test and (cells is None or cells[position].n_numbers * 2 >= cells[position].n):
            found[position] = test
    return found if len(found) > 1 else {}


def _wide_test(header: str) -> WideTest | None:
    name, written = header, None
    if (parts := _WITH_UNIT.match(header)) and (unit_dimension(parts["unit"]) or unit_meant(parts["unit"])):
        name, written = parts["name"], parts["unit"]
    elif " " in header and unit_dimension(header.rsplit(" ", 1)[1]):
        name, written = header.rsplit(" ", 1)
    test = named_test(name) or named_test(header)
    if test is None:
        return None
    unit = None
    if written is not None:
        meant = unit_meant(written)
        unit = written if unit_dimension(written) else meant.meaning if meant and meant.is_sure else None
    elif test.dimension == "percent":
        unit = "%"
    analyte = test.analyte(unit_dimension(unit)) if unit else test.analytes[0] if len(test.analytes) == 1 else None
    if analyte is None:
        return WideTest(header, None, unit, test.analytes)
    return WideTest(header, loinc_of(analyte), unit, (analyte,))


def carried_down(columns: dict[str, ColumnCells], first_row: dict[str, str]) -> list[str]:
    """The columns given only in the first row of their group: filled in the first row, often blank below."""
    carried = []
    for column in _CARRIED:
        cells = columns.get(column)
        if cells and first_row.get(column, "").strip() and cells.n_blank >= _BLANK_SHARE * (cells.n + cells.n_blank):
            carried.append(column)
    return carried if "patient_id" in carried else []


def wide_section(tests: Sequence[WideTest], carry_down: Sequence[str]) -> dict[str, object]:
    """The value of `wide` in site.yml for the known tests; empty if there are none."""
    known = {test.header: {"code": test.code, "unit": test.unit} for test in tests if test.is_known}
    if not known:
        return {}
    section: dict[str, object] = {"tests": known}
    if carry_down:
        section["carry_down"] = list(carry_down)
    return {"lab_results": section}
