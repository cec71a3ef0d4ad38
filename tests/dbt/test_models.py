"""The models' own tests: unit tests at every boundary, data tests and contracts on the demo's cohort."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from integration.registry_home import build

from registry.build import dbt_project, dbt_runner
from registry.config.settings import Settings
from registry.simulate import simulate_udine


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The demo's cohort, built."""
    home: Path = tmp_path_factory.mktemp("built")
    simulate_udine(home / "deliveries")
    return build(home)


def run(settings: Settings, *command: str) -> list[dbt_runner.NodeResult]:
    """What dbt found; BuildFailed where a model or test failed, and dbt's messages are in the vault."""
    return dbt_runner.run(settings, command, "test")


def test_data_tests_hold_on_the_demo(built: Settings) -> None:
    tests = run(built, "test", "--exclude", "test_type:unit")
    assert len(tests) > 40
    assert {test.status for test in tests} == {"pass"}


def test_every_unit_test_of_the_models_passes(built: Settings) -> None:
    tests = run(built, "test", "--select", "test_type:unit")
    assert len(tests) >= 5
    assert {test.status for test in tests} == {"pass"}


def test_every_published_column_is_described() -> None:
    bare = [
        f"{node.name}.{column}"
        for node in dbt_project.parsed_project().nodes.values()
        if node.kind == "model" and node.schema in {"main", "meta"}
        for column, (_, description) in node.columns.items()
        if not description
    ]
    assert bare == []


def test_a_second_build_reads_no_file_again_and_changes_nothing(built: Settings) -> None:
    def contents() -> list[tuple[object, ...]]:
        with duckdb.connect(str(built.warehouse), read_only=True) as connection:
            return [
                *connection.execute("SELECT count(*), bit_xor(hash(a)) FROM main.fct_anc AS a").fetchall(),
                *connection.execute("SELECT count(*), bit_xor(hash(s)) FROM staging.stg_lab_result AS s").fetchall(),
            ]

    before = contents()
    run(built, "build", "--select", "+fct_anc", "--exclude", "resource_type:test", "resource_type:unit_test")
    assert contents() == before
