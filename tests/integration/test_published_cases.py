"""Published cases, delivered as a hospital would have sent them, become the episodes that were published.

The cases, their sources and what is expected of them: tests/golden, one file a publication.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from integration.compiled_project import compiled_project
from integration.published_cases import FIRST_DOSE, deliver, publications

from registry.config import terminology
from registry.statistics import write_statistics

PUBLICATIONS = publications()
STORIES = {patient: story for told in PUBLICATIONS.values() for patient, story in told["patients"].items()}
SERIES = [(told["site"], definition) for told in PUBLICATIONS.values() for definition in told.get("series", {})]
DEFINITIONS = sorted(terminology.definitions())


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """One registry of all published cases, with its statistics, and the vault for their patients' names."""
    home = tmp_path_factory.mktemp("published")
    for publication in PUBLICATIONS.values():
        deliver(publication, home / "deliveries")
    settings = compiled_project().build(home)
    write_statistics(settings)
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        connection.execute(f"ATTACH '{settings.raw_db}' AS vault (READ_ONLY)")
        yield connection


def records(connection: duckdb.DuckDBPyConnection, sql: str, values: list[str]) -> list[dict[str, Any]]:
    """The rows as tests/golden writes them: dates as days after the first dose, decimals as numbers."""
    found = connection.execute(sql, values)
    columns = [column[0] for column in found.description or []]
    return [dict(zip(columns, map(_told, row), strict=True)) for row in found.fetchall()]


def _told(value: object) -> object:
    if isinstance(value, date):
        return (value - FIRST_DOSE).days
    return float(value) if isinstance(value, Decimal) else value


def shown(record: dict[str, Any], expected: dict[str, Any]) -> dict[str, Any]:
    """Of a row the columns that are expected."""
    return {column: record[column] for column in expected}


def test_every_row_of_the_published_cases_is_taken(registry: duckdb.DuckDBPyConnection) -> None:
    sql = "SELECT sum(rows_delivered - rows_current) FROM meta.reconciliation"
    assert registry.execute(sql).fetchone() == (0,), "a file of tests/golden does not deliver what it says"


@pytest.mark.parametrize("definition", DEFINITIONS)
@pytest.mark.parametrize("patient", sorted(STORIES))
def test_a_published_case_becomes_the_episodes_that_were_published(
    patient: str, definition: str, registry: duckdb.DuckDBPyConnection
) -> None:
    told = STORIES[patient]["expected"]
    assert set(told) <= {*DEFINITIONS, "every definition"}
    expected = told.get(definition, told.get("every definition", []))
    episodes = records(
        registry,
        "SELECT episode.* FROM main.fct_neutropenia_episode AS episode JOIN vault.main.patient_map USING (patient_key) "
        "WHERE patient_id = ? AND definition_id = ? ORDER BY onset_date",
        [patient, definition],
    )
    assert [episode["onset_date"] for episode in episodes] == [episode["onset_date"] for episode in expected]
    for found, wanted in zip(episodes, expected, strict=True):
        outcome = {column: value for column, value in wanted.items() if column != "then"} | {"is_case_episode": True}
        assert shown(found, outcome) == outcome
        [afterwards] = records(registry, "SELECT * FROM mart_rechallenge WHERE episode_id = ?", [found["episode_id"]])
        assert shown(afterwards, wanted.get("then", {})) == wanted.get("then", {})


@pytest.mark.parametrize(("site", "definition"), SERIES)
def test_a_published_series_has_its_published_figures(
    site: str, definition: str, registry: duckdb.DuckDBPyConnection
) -> None:
    [expected] = [told["series"][definition] for told in PUBLICATIONS.values() if told["site"] == site]
    [found] = records(
        registry,
        """
        SELECT n_patients, n_cases, n_episodes, cases.*, episodes.*,
            round(risk_pct, 2) AS risk_pct, round(risk_low, 2) AS risk_low, round(risk_high, 2) AS risk_high
        FROM mart_incidence, (
            SELECT median(days_since_last_dose) AS median_days_to_first_onset,
                min(days_since_last_dose) AS shortest_days_to_first_onset,
                max(days_since_last_dose) AS longest_days_to_first_onset
            FROM mart_case_listing WHERE site = $1 AND definition_id = $2
        ) AS cases, (
            SELECT median(days_since_last_dose) AS median_days_to_onset, median(duration_days) AS median_duration_days
            FROM fct_neutropenia_episode WHERE site = $1 AND definition_id = $2 AND is_case_episode
        ) AS episodes
        WHERE stratum_type = 'site' AND stratum = $1 AND definition_id = $2
        """,
        [site, definition],
    )
    assert shown(found, expected) == expected
