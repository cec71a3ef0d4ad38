"""Less memory than the data needs: every stage that opens DuckDB spills and goes on, or names the limit."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from integration import registry_home
from integration.publishing import FIRST_ID, SECOND_ID

from expectations import Audit, audit
from expectations.catalogue import queried
from registry.config.settings import Settings, connect_options, load_settings
from registry.curation import account, quarantine
from registry.errors import UserError
from registry.operations import error_reports
from registry.release import candidate, files, load, new_cases
from registry.release.content import contents
from registry.release.diff.compare import diff
from registry.release.public.counts import read
from registry.statistics import write_statistics
from registry.vault.compaction import compact

ROWS = 50_000
FOR_DBT, LIMIT = "80MB", "100MB"
"""At FOR_DBT dbt has to spill; less is too little for int_episode_final beside another model. LIMIT is the promise."""
# 100 results a patient on 20 days; one patient in ten has low counts
LARGE = {
    "patients": "SELECT 'P' || p AS patient_id, 1950 + p % 50 AS birth_date, 'F' AS sex FROM range({patients}) t(p)",
    "administrations": """
        SELECT 'D' || p || '-' || k AS administration_id, 'P' || p AS patient_id, 'ocrelizumab' AS drug,
            CAST(DATE '2019-01-01' + CAST(p % 300 + k * 182 AS INTEGER) AS DATE) AS administered_on
        FROM range({patients}) AS r (p), range(9) AS s (k)
    """,
    "lab_results": """
        SELECT 'R' || p || '-' || k || '-' || j AS result_id, 'P' || p AS patient_id,
            'S' || p || '-' || k AS specimen_id,
            ['751-8', '6690-2', '770-8', '731-0', '777-3'][j + 1] AS test_code,
            CASE j WHEN 0 THEN CASE WHEN p % 10 = 0 AND hash(p * 31 + k) % 5 = 0 THEN 0.4 ELSE 3.1 END
                WHEN 1 THEN 6.2 WHEN 2 THEN 50 WHEN 3 THEN 1.5 ELSE 210 END AS value,
            CASE j WHEN 2 THEN '%' ELSE '10*9/L' END AS unit,
            CAST(DATE '2019-01-01' + CAST(p % 300 + k * 100 AS INTEGER) AS DATE) AS collected_at
        FROM range({patients}) AS r (p), range(20) AS s (k), range(5) AS q (j)
    """,
}


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A registry built through dbt in less memory than it needs."""
    home = tmp_path_factory.mktemp("large")
    delivery = home / "deliveries" / "site" / "2025-01"
    delivery.mkdir(parents=True)
    (home / "deliveries" / "registry.yml").write_text("synthetic: true\n")
    for entity, sql in LARGE.items():
        duckdb.execute(f"COPY ({sql.format(patients=ROWS // 100)}) TO '{delivery}/{entity}.csv' (HEADER)")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REGISTRY_MEMORY_LIMIT", FOR_DBT)
        patch.setenv("REGISTRY_THREADS", "2")
        with _spilling_into(home / "vault" / "tmp"):
            registry_home.build(home)
        patch.setenv("REGISTRY_MEMORY_LIMIT", LIMIT)
        yield load_settings(home=home)


@contextmanager
def _spilling_into(folder: Path) -> Iterator[None]:
    """Assert that meanwhile another process spilled into a folder, which is empty afterwards."""
    ended, seen = threading.Event(), threading.Event()

    def look() -> None:
        while not (ended.wait(0.01) or seen.is_set()):
            if any(folder.glob("duckdb_temp_*storage*")):
                seen.set()

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield
    finally:
        ended.set()
        looking.join()
    assert seen.is_set()
    assert list(folder.iterdir()) == []


def test_dbt_builds_the_trace_of_more_rows_than_fit(large: Settings) -> None:
    with duckdb.connect(str(large.warehouse), read_only=True) as connection:
        episodes = connection.execute("SELECT count(*) FROM main.fct_neutropenia_episode").fetchone()
        traced = connection.execute("SELECT count(DISTINCT episode_id) FROM meta.episode_trace").fetchone()
    assert episodes == traced
    assert episodes is not None
    assert episodes[0] > 500


@pytest.fixture
def spilled(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Make each connection spill before its stage uses it; the limits and temp folders of those that were opened."""
    found: list[tuple[str, str]] = []
    connect = duckdb.connect

    def connect_and_spill(*arguments: Any, **options: Any) -> duckdb.DuckDBPyConnection:
        connection = connect(*arguments, **options)
        if "config" in options:  # without: SQLAlchemy's driver asks an empty database for its keywords
            limit, folder = options["config"]["memory_limit"], options["config"]["temp_directory"]
            found.append((limit, folder))
            connection.execute("SET memory_limit = '20MB'")
            connection.execute("CREATE TEMP TABLE ballast AS SELECT hash(range) AS n FROM range(3000000)")
            assert any(Path(folder).glob("duckdb_temp_*storage*"))
            connection.execute(f"SET memory_limit = '{limit}'")
        return connection

    monkeypatch.setattr(duckdb, "connect", connect_and_spill)
    return found


def _write_parquet(home: Settings, database: Path) -> None:
    shutil.rmtree(database.parent / "parquet", ignore_errors=True)
    files.write_parquet(home, database, ["main.fct_anc"], "note")


def _pass(result: Audit) -> None:
    assert result.checks
    assert not [check.detail for check in result.checks if "could not be checked" in check.detail]


_FEW = tuple(check for check in queried() if check.table == "main.fct_anc" and not check.needs_previous)
STAGES: dict[str, Callable[[Settings, Path], Any]] = {
    "loading": lambda home, _: registry_home.load(home.home),
    "erasing": lambda home, _: compact(home),
    "quarantine": lambda home, _: quarantine.held_back(home, quarantine.Filter()),
    "statistics": lambda home, _: write_statistics(home),
    "candidate": lambda home, _: candidate.build(home),
    "new cases": lambda home, database: new_cases.write(home, database, None),
    "content hashes": lambda home, database: contents(database, options=connect_options(home)),
    "gate": lambda home, database: _pass(audit(database, options=connect_options(home), checks=_FEW)),
    "parquet": _write_parquet,
}
PUBLISHED: dict[str, Callable[[Settings], Any]] = {
    "diff": lambda home: diff(home, load(home, FIRST_ID), load(home, SECOND_ID)),
    "public": lambda home: read(home, load(home, SECOND_ID)),
    "account": account.of_release,
}
IN_THE_VAULT = ("loading", "erasing", "quarantine")


@pytest.fixture(scope="module")
def database(large: Settings) -> Path:
    """A candidate of it."""
    write_statistics(large)
    found = candidate.build(large)
    new_cases.write(large, found, None)
    return found


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_goes_on_after_it_spilled(
    stage: str, large: Settings, database: Path, spilled: list[tuple[str, str]]
) -> None:
    STAGES[stage](large, database)
    folder = large.vault_temp if stage in IN_THE_VAULT else large.temp
    assert set(spilled) == {(LIMIT, str(folder))}
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("stage", PUBLISHED)
def test_what_reads_releases_goes_on_after_it_spilled(
    stage: str, two: Settings, monkeypatch: pytest.MonkeyPatch, spilled: list[tuple[str, str]]
) -> None:
    monkeypatch.setenv("REGISTRY_MEMORY_LIMIT", LIMIT)
    PUBLISHED[stage](load_settings(home=two.home))
    assert set(spilled) == {(LIMIT, str(two.temp))}


@pytest.fixture
def too_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave each connection next to nothing, and nowhere to spill."""
    connect = duckdb.connect

    def connect_to_little(*arguments: Any, **options: Any) -> duckdb.DuckDBPyConnection:
        connection = connect(*arguments, **options)
        connection.execute("SET temp_directory = ''")
        connection.execute("SET memory_limit = '1KB'")
        return connection

    monkeypatch.setattr(duckdb, "connect", connect_to_little)


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_that_runs_out_of_memory_names_the_limit(
    stage: str, large: Settings, database: Path, too_little: None
) -> None:
    with pytest.raises((UserError, duckdb.Error)) as raised:
        STAGES[stage](large, database)
    line = error_reports.to_user_error(large, raised.value, stage)
    assert isinstance(line, UserError)
    assert line.exit_code == 2
    assert str(line).startswith(stage)
    assert "more memory is needed than REGISTRY_MEMORY_LIMIT" in str(line)
    assert "raise it" in str(line)


def test_a_check_that_runs_out_of_memory_is_no_refusal(large: Settings, database: Path) -> None:
    too_much = "SELECT 1 FROM (SELECT list(hash(range)) AS many FROM range(30000000)) WHERE many[7] = 0"
    hungry = replace(_FEW[0], sql=too_much)
    with pytest.raises(duckdb.OutOfMemoryException):
        audit(database, options=connect_options(large) | {"temp_directory": ""}, checks=[hungry])
