"""The warehouse's grades at every bound of every scale, and of results whose unit says nothing or something else.

Delivered as a hospital would, built as SQL, and compared with the reference's grades (themselves held to the published
rules in tests/reference/test_grades.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import NamedTuple

import duckdb
import pytest
import yaml
from integration.compiled_project import compiled_project
from reference.grades import below_cutoff_but_within_range, grade, unit_in_doubt

PATIENTS = "patient_id,birth_date,sex\n"
HEADER = "result_id,patient_id,test_code,value,unit,collected_at,reference_low\n"
FIRST = datetime(2023, 1, 1)
STEP, CELL = Decimal("0.000001"), Decimal("0.001")
SCALES = ("udine_2025", "udine_2025_inclusive", "ctcae_v5", "ctcae_v6", "daids_2_1")
CODES = {"anc": "751-8", "wbc": "6690-2", "lymphocytes": "731-0", "platelets": "777-3"}

# Where a grade of any scale begins or ends, and lower limits of normal: absent, below, at and above the last cut-off.
BOUNDS = {
    "anc": ("0.1 0.4 0.5 0.6 0.8 1 1.5", "1.2 1.5 2"),
    "wbc": ("1 1.5 2 2.5 3", "2.4 3 4"),
    "lymphocytes": ("0.2 0.35 0.5 0.6 0.65 0.8", "0.7 0.8 1"),
    "platelets": ("10 25 50 75 100 125", "60 75 150"),
}

# What is compared: tests/mutation asks whether these rows would show a change of the SQL.
GRADES = """
    SELECT 'anc', anc_10e9_l, operator, lln_10e9_l, collected_at, severity, ctcae_v5_grade, ctcae_v6_grade,
        daids_2_1_grade, below_cutoff_but_within_reference_range
    FROM main.fct_anc
    UNION ALL
    SELECT analyte, value_10e9_l, operator, lln_10e9_l, collected_at, NULL, ctcae_v5_grade, ctcae_v6_grade,
        daids_2_1_grade, below_cutoff_but_within_reference_range
    FROM main.fct_lab_grade
"""
NADIRS = """
    SELECT definition_id, episode.nadir_anc_10e9_l, nadir_operator, lln_10e9_l, collected_at, episode.severity,
        episode.ctcae_v5_grade
    FROM main.fct_neutropenia_episode AS episode
    JOIN main.fct_anc AS anc ON episode.patient_key = anc.patient_key
    WHERE definition_id LIKE 'all_%'
"""


class Result(NamedTuple):
    """One delivered result, told from the others by its time."""

    analyte: str
    value: Decimal
    operator: str | None
    lln: Decimal | None
    at: datetime

    def graded(self, scale: str) -> str | None:
        """The reference's grade."""
        if self.analyte != "anc" and unit_in_doubt(self.analyte, self.value):
            return None
        return grade(scale, self.value, self.operator, self.lln, self.analyte)

    def row(self) -> tuple[object, ...]:
        """As it should be published."""
        severity = self.graded("udine_2025") if self.analyte == "anc" else None
        v5, v6, daids = (self.graded(scale) for scale in ("ctcae_v5", "ctcae_v6", "daids_2_1"))
        flag = below_cutoff_but_within_range(self.value, self.operator, self.lln, v5)
        return (*self, severity, v5, v6, daids, flag)


def results() -> Iterator[Result]:
    """Zero, every bound and limit with its neighbours, under every operator and limit; cells are whole below 0.1."""
    at = FIRST
    for analyte, (bounds, limits) in BOUNDS.items():
        llns = [None, *map(Decimal, limits.split())]
        edges = {Decimal(edge) for edge in f"{bounds} {limits}".split()}
        values = {edge + shift for edge in edges for shift in (-STEP, Decimal(0), STEP)} | {Decimal(0), CELL}
        values = {value if value >= 100 * CELL else value // CELL * CELL for value in values}
        for value, operator, lln in product(sorted(values), (None, "<", "<=", ">", ">="), llns):
            if operator != "<" or value:  # nothing lies below 0
                at += timedelta(minutes=1)
                yield Result(analyte, value, operator, lln, at)


def lines_at_every_bound() -> list[str]:
    """`results` as a laboratory sends them, each of another patient."""
    return [
        f"{number},P{number},{CODES[r.analyte]},{r.operator or ''}{r.value:f},10*9/L,{r.at.isoformat()},{r.lln or ''}"
        for number, r in enumerate(results())
    ]


def deliver(home: Path, lines: list[str]) -> None:
    """Deliver results and their patients, to a study where every count below 9 begins an episode, on each scale."""
    delivery = home / "deliveries" / "site" / "2024-01"
    delivery.mkdir(parents=True)
    patients = dict.fromkeys(line.split(",")[1] for line in lines)
    (delivery / "patients.csv").write_text(PATIENTS + "".join(f"{patient},1980-05-01,F\n" for patient in patients))
    (delivery / "lab_results.csv").write_text(HEADER + "\n".join(lines) + "\n")
    definitions = [
        {"definition_id": f"all_{scale}", "severity_scale": scale, "onset_below": 9, "recovery_at": 9}
        for scale in SCALES
    ]
    (home / "deliveries" / "registry.yml").write_text(yaml.safe_dump({"definitions": definitions}))


def warehouse_of(home: Path, lines: list[str]) -> duckdb.DuckDBPyConnection:
    """Deliver results and open the warehouse built from them."""
    deliver(home, lines)
    settings = compiled_project().build(home, up_to=[GRADES, NADIRS, "reconciliation"])
    return duckdb.connect(str(settings.warehouse), read_only=True)


def test_every_bound_of_every_scale_with_every_operator_and_limit(tmp_path: Path) -> None:
    delivered = list(results())
    with warehouse_of(tmp_path, lines_at_every_bound()) as warehouse:
        found = warehouse.execute(f"{GRADES} ORDER BY collected_at").fetchall()
    wanted = [result.row() for result in delivered]
    assert len(found) == len(wanted) > 1500
    assert [pair for pair in zip(found, wanted, strict=True) if pair[0] != pair[1]] == []


def test_the_nadir_of_an_episode_is_graded_at_every_bound_on_the_scale_of_its_definition(tmp_path: Path) -> None:
    low = [r for r in results() if r.analyte == "anc" and r.operator not in (">", ">=")]
    with warehouse_of(tmp_path, lines_at_every_bound()) as warehouse:
        found = warehouse.execute(NADIRS).fetchall()
    wanted = [(f"all_{scale}", *r[1:], r.graded(scale), r.graded("ctcae_v5")) for scale in SCALES for r in low]
    assert set(found) == set(wanted)
    assert len(found) == len(wanted) > 800


UNGRADED = [  # of a severe count: no unit, no such unit, a share, a unit of something else, a power left open
    *product(CODES, ["0.3", "25"], ["", "MM3", "bananas", "%", "g/L", "mmol/L", "kU/L", "thousand", "10*9"]),
    *product(CODES, ["0"], ["", "%", "MM3"]),
    *product(CODES, ["2.5", "0.3"], ["/uL", "cells/uL", "/mm3"]),  # a fraction of a cell: a mislabelled 10*9/L
    ("anc", "1800", "10*9/L"),
    ("wbc", "4500", "10*9/L"),
    ("lymphocytes", "1200", "10*9/L"),
    ("platelets", "250000", "10*9/L"),
    ("platelets", "250", "/uL"),
]


def test_a_result_without_a_unit_or_with_a_wrong_one_never_gets_a_grade(tmp_path: Path) -> None:
    lines = [
        f"{number},P1,{CODES[analyte]},{value},{unit},2023-05-01T{number // 60:02d}:{number % 60:02d},0.1"
        for number, (analyte, value, unit) in enumerate(UNGRADED)
    ]
    with warehouse_of(tmp_path, lines) as warehouse:
        assert warehouse.execute("SELECT count(*) FROM main.fct_anc").fetchall() == [(0,)]
        published = warehouse.execute(
            """
            SELECT analyte, unit_in_doubt, ctcae_v5_grade, ctcae_v6_grade, daids_2_1_grade, count(*)
            FROM main.fct_lab_grade GROUP BY ALL ORDER BY analyte
            """
        ).fetchall()
        (held_back,) = warehouse.execute(
            "SELECT rows_quarantined FROM meta.reconciliation WHERE entity = 'lab_results'"
        ).fetchone() or (0,)
    # the input contract holds back a fraction of a cell; what remains is flagged
    assert published == [("lymphocytes", True, None, None, None, 1), ("platelets", True, None, None, None, 2)]
    assert held_back == len(UNGRADED) - 3


@pytest.mark.parametrize("unit", ["10*9/L", "G/L", "K/uL", "/uL"])
def test_the_same_count_has_the_same_grade_in_whatever_unit_it_came(unit: str, tmp_path: Path) -> None:
    factor = 1000 if unit == "/uL" else 1
    counts = {"anc": ("0.9", "1.8"), "wbc": ("2.4", "4"), "lymphocytes": ("0.4", "1"), "platelets": ("80", "150")}
    lines = [
        f"{analyte},P1,{CODES[analyte]},{Decimal(value) * factor:f},{unit},2023-05-01,{Decimal(low) * factor:f}"
        for analyte, (value, low) in counts.items()
    ]
    with warehouse_of(tmp_path, lines) as warehouse:
        found = warehouse.execute(
            """
            SELECT 'anc', ctcae_v5_grade, ctcae_v6_grade, daids_2_1_grade FROM main.fct_anc
            UNION ALL
            SELECT analyte, ctcae_v5_grade, ctcae_v6_grade, daids_2_1_grade FROM main.fct_lab_grade
            """
        ).fetchall()
    assert set(found) == {
        ("anc", "3", "2", "1"),
        ("wbc", "2", "2", "1"),
        ("lymphocytes", "3", None, "3"),
        ("platelets", "1", "1", "2"),
    }
