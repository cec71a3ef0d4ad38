"""The warehouse against the independent reference: every row's fate, every ANC, dose, episode and day at risk.

`tests/reference` was written from the rules' text without sight of the SQL. The cohorts are small and nasty: boundary
values, gaps of 90 and 91 days, rebounds, deaths, switches, and, where messy, every defect of the input contract.
`make test` compares the first cohorts, `make check` the others too.
More seeds: pytest tests/integration/test_against_reference.py --reference-seeds 100
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from integration.compared import COMPARED, INCIDENCE, PERIOD, RECURRENCE
from integration.compiled_project import compiled_project
from integration.registry_home import load
from reference.bounds import hardly_tested, on_the_bounds
from reference.cohort import Cohort, generate
from reference.compute import compute
from reference.one_day import days_of_several_measurements
from reference.writer import write

from registry.config.settings import Settings
from registry.curation import retraction
from registry.statistics import write_statistics

QUICK_SEEDS = 3
COUNTS = (
    "rows_delivered rows_current rows_superseded rows_duplicate rows_quarantined rows_not_mapped rows_retracted "
    "rows_not_given rows_open".split()
)


def agree(what: str, expected: Iterable[tuple[Any, ...]], actual: Iterable[tuple[Any, ...]]) -> None:
    """Both hold the same rows, the same number of times."""
    wanted, found = Counter(expected), Counter(actual)
    missing, extra = wanted - found, found - wanted
    assert not missing and not extra, (
        f"{what}: {sum(missing.values())} missing, {sum(extra.values())} extra\n"
        f"  missing {list(missing)[:3]}\n  extra   {list(extra)[:3]}"
    )


class Warehouse:
    """The built warehouse, read with the patients' own ids."""

    def __init__(self, settings: Settings) -> None:
        self.connection = duckdb.connect(str(settings.warehouse), read_only=True)
        self.connection.execute(f"ATTACH '{settings.raw_db}' AS vault (READ_ONLY)")

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql).fetchall()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" in metafunc.fixturenames:
        seeds = range(metafunc.config.getoption("--reference-seeds"))
        deep = [[pytest.mark.deep] if seed >= QUICK_SEEDS else [] for seed in seeds]
        metafunc.parametrize(
            ("seed", "messy"),
            [pytest.param(seed, seed % 2 == 1, marks=marks) for seed, marks in zip(seeds, deep, strict=True)],
        )


def test_the_warehouse_agrees_with_an_independent_reading_of_the_rules(seed: int, messy: bool, tmp_path: Path) -> None:
    compare(generate(seed, messy=messy, patients=60), tmp_path)


def test_the_warehouse_agrees_on_patients_who_lie_on_a_bound(tmp_path: Path) -> None:
    compare(on_the_bounds(), tmp_path)


@pytest.mark.parametrize("n", [0, 1])
def test_the_warehouse_agrees_where_hardly_anybody_was_tested(n: int, tmp_path: Path) -> None:
    compare(hardly_tested(n), tmp_path)


def test_the_warehouse_agrees_on_what_a_cancellation_of_a_day_takes_back(tmp_path: Path) -> None:
    compare(days_of_several_measurements(), tmp_path)


def compare(cohort: Cohort, tmp_path: Path) -> None:
    """Both readings of one cohort's files, table by table."""
    write(cohort, tmp_path / "deliveries")
    expected = compute(cohort.files, cohort.study)
    settings = load(tmp_path)
    for site, delivery, path in sorted(cohort.study.retracted, key=str):
        retraction.retract(settings, retraction.find(settings, retraction.Place(site, delivery, path)))
    compiled_project().run(settings)
    write_statistics(settings)
    found = Warehouse(settings)

    agree_on_every_delivered_row(expected, found)
    for compared in COMPARED:
        agree(compared.relation, compared.rows(expected[compared.table]), found.query(compared.query()))
    agree_on_the_flow(expected, cohort.study.primary_definition, found)
    agree_on_the_statistics(expected, found)


def agree_on_the_flow(expected: dict[str, list[dict[str, Any]]], primary: str, found: Warehouse) -> None:
    """From the cohort to its cases, each step a part of the one before."""

    def patients(table: str, holds: str | None = None) -> int:
        rows = [row for row in expected[table] if row["definition_id"] == primary and (holds is None or row[holds])]
        return len({(row["site"], row["patient_id"]) for row in rows})

    flow = (
        patients("cohort_member"),
        patients("risk_time", "days_at_risk"),
        patients("risk_time", "n_anc_tests"),
        patients("case_listing"),
    )
    assert flow == tuple(sorted(flow, reverse=True))
    steps = "'patients', 'with_time_at_risk', 'with_anc_at_risk', 'cases'"
    counted = found.query(
        f"SELECT n FROM main.mart_cohort_summary WHERE stratum = 'overall' AND measure IN ({steps}) "
        f"ORDER BY list_position([{steps}], measure)"
    )
    assert counted == [(n,) for n in flow]


def agree_on_the_statistics(expected: dict[str, list[dict[str, Any]]], found: Warehouse) -> None:
    """What Python counts from the warehouse: risks and rates, those by period, and who recurred.

    Whether there is an estimate at all, and whether the rate of all episodes has one, is told by two flags.
    """
    for name, columns, flags in (
        (
            "incidence",
            INCIDENCE,
            "rate_per_100py IS NOT NULL OR risk_high_wilson IS NOT NULL, episode_rate_per_100py IS NOT NULL",
        ),
        ("incidence_by_period", PERIOD, "rate_per_100py IS NOT NULL, NULL"),
    ):
        agree(
            f"mart_{name}",
            [
                (
                    *("all" if (column, row[column]) == ("stratum", "overall") else row[column] for column in columns),
                    row["days_at_risk"],
                    row["n_patients"] > row["n_never_tested"],
                    row["n_anc_tests_total"] > 0 if "n_anc_tests_total" in row else None,
                )
                for row in expected[name]
            ],
            found.query(
                f"SELECT {', '.join(columns)}, CAST(round(person_years * 365.25) AS BIGINT), {flags} "
                f"FROM main.mart_{name}"
            ),
        )
    agree(
        "mart_recurrence",
        [tuple(row[column] for column in RECURRENCE) for row in expected["recurrence"]],
        found.query(f"SELECT {', '.join(RECURRENCE)} FROM main.mart_recurrence WHERE stratum_type = 'overall'"),
    )


def agree_on_every_delivered_row(expected: dict[str, list[dict[str, Any]]], found: Warehouse) -> None:
    """Reconciliation by file, every quarantined record with its reasons, every emptied cell, contested keys."""
    place = "f.site, f.delivery, f.entity, f.path"
    with_files = "JOIN vault.main.input_file AS f ON f.file_id = t.source_file"

    def of(row: dict[str, Any]) -> tuple[Any, ...]:
        return row["site"], row["delivery"], row["entity"], row["file"].split("/")[-1]

    agree(
        "meta.reconciliation",
        [(*of(row), *(row[count] for count in COUNTS)) for row in expected["reconciliation"]],
        found.query(
            f"SELECT {place}, {', '.join(COUNTS)} FROM meta.reconciliation AS t {with_files} WHERE rows_delivered > 0"
        ),
    )
    agree(
        "quarantine",
        [
            (*of(row), row["record_number"], row["is_open"], tuple(sorted(row["reasons"])))
            for row in expected["quarantine"]
        ],
        [
            (*found_place, tuple(sorted(reasons.split(","))))
            for *found_place, reasons in found.query(
                f"SELECT {place}, t.record_number, t.is_open, t.reasons FROM intermediate.int_quarantined_row AS t "
                "JOIN vault.main.input_file AS f USING (file_no)"
            )
        ],
    )
    agree(
        "meta.column_defect",
        [(*of(row), row["column"], row["reason"]) for row in expected["column_defect"] if row["status"] == "current"],
        [
            tuple(defect)
            for *defect, n_cells in found.query(
                f"SELECT {place}, column_name, reason, n_cells FROM meta.column_defect AS t {with_files}"
            )
            for _ in range(n_cells)
        ],
    )
    agree(
        "meta.contested",
        [(row["site"], row["entity"]) for row in expected["contested"] if row["had_usable_version"]],
        found.query("SELECT site, entity FROM meta.contested"),
    )
    agree(
        "meta.unmapped_code",
        [(row["site"], row["n_codes"], row["n_rows"]) for row in expected["unmapped_code"]],
        found.query("SELECT site, n_codes, n_rows FROM meta.unmapped_code"),
    )
