"""The models' own tests: unit tests at every boundary, data tests and contracts on the demo's cohort."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from integration.registry_home import build, dbt

from registry.config.settings import Settings
from registry.simulate import simulate_udine


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The demo's cohort, built with all data tests."""
    home: Path = tmp_path_factory.mktemp("built")
    simulate_udine(home / "deliveries")
    settings = build(home)
    done = dbt(settings, "test", "--exclude", "test_type:unit")
    assert done.returncode == 0, done.stdout[-4000:]
    return settings


def test_data_tests_hold_on_the_demo(built: Settings) -> None:
    results = json.loads((built.dbt_target / "run_results.json").read_text())["results"]
    tests = [result for result in results if result["unique_id"].startswith("test.")]
    assert len(tests) > 40
    assert {result["status"] for result in tests} == {"pass"}


def test_every_unit_test_of_the_models_passes(built: Settings) -> None:
    done = dbt(built, "test", "--select", "test_type:unit")
    assert done.returncode == 0, done.stdout[-4000:]
    results = json.loads((built.dbt_target / "run_results.json").read_text())["results"]
    assert len(results) >= 5


def test_every_published_column_is_described(built: Settings) -> None:
    manifest = json.loads((built.dbt_target / "manifest.json").read_text())
    bare = [
        f"{node['name']}.{column['name']}"
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["schema"] in {"main", "meta"}
        for column in node["columns"].values()
        if not column["description"]
    ]
    assert bare == []


def test_a_second_build_reads_no_file_again_and_changes_nothing(built: Settings) -> None:
    import duckdb

    def contents() -> list[tuple[object, ...]]:
        with duckdb.connect(str(built.warehouse), read_only=True) as connection:
            return connection.execute("SELECT count(*), bit_xor(hash(a)) FROM main.fct_anc AS a").fetchall()

    before = contents()
    done = dbt(built, "build", "--exclude-resource-type", "unit_test", "test")
    assert done.returncode == 0
    assert contents() == before
