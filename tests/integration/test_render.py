"""The SQL that `registry check` renders without dbt is dbt's own."""

from __future__ import annotations

import re
from collections.abc import Iterator

import duckdb
import pytest
from integration.compiled_project import compiled_project

from registry.build import render
from registry.build.dbt_project import Node, parsed_project

NODES = {node.name: node for node in parsed_project().nodes.values() if node.kind in ("model", "seed")}
SEEDS = [node for node in NODES.values() if node.kind == "seed"]


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """The seeds as rendered here, those of dbt as `by_dbt`, and the vault for which dbt compiled."""
    seeded = compiled_project().seeded
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{seeded.parent / 'vault' / 'raw.duckdb'}' AS vault (READ_ONLY)")
        connection.execute(f"ATTACH '{seeded}' AS by_dbt (READ_ONLY)")
        render.build_in_memory(connection, [seed.name for seed in SEEDS])
        yield connection


def test_every_model_is_rendered_as_dbt_compiles_it(connection: duckdb.DuckDBPyConnection) -> None:
    models = compiled_project().models
    assert {model.name for model in models} == {node.name for node in NODES.values() if node.kind == "model"}
    for model in models:
        sql, kind = render.render(NODES[model.name], connection)
        assert words(sql) == words(model.sql_with_formats), model.name
        assert kind == model.kind, model.name


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed.name)
def test_every_seed_has_the_types_and_rows_that_dbt_gives_it(connection: duckdb.DuckDBPyConnection, seed: Node) -> None:
    table = f'"{seed.schema}"."{seed.name}"'
    ours, dbts = (connection.execute(f"DESCRIBE {name}{table}").fetchall() for name in ("", "by_dbt."))
    assert [column[:2] for column in ours] == [column[:2] for column in dbts]
    for one, other in ((table, f"by_dbt.{table}"), (f"by_dbt.{table}", table)):
        assert connection.execute(f"FROM {one} EXCEPT ALL FROM {other}").fetchall() == []


def words(sql: str) -> list[str]:
    """The SQL without its layout and the names of its databases."""
    return re.sub(r'"(warehouse|vault)"\.|\bvault\.', "", sql).split()
