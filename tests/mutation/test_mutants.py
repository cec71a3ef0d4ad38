"""Every threshold and comparison of the clinical SQL is held by a test: change one, and a test sees another result.

A mutant is noticed where it changes a row in the columns that a test compares with what it expects: those of
tests/integration/compared.py in the cohorts that are compared with the reference, grades and nadirs at every bound of
every scale, first onsets of each definition's example patients. The lists are the tests' own, so a column that no test
compares shows nothing here either. `make check` tries a sample, another one each day; `make mutants` tries all.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import duckdb
import pytest
from integration import test_definition_examples, test_grading_conformance
from integration.compared import COMPARED
from integration.compiled_project import Model, compiled_project
from mutation.mutants import Mutant, mutants_of
from mutation.same_meaning import SAME_MEANING, TESTED_ELSEWHERE
from reference.bounds import hardly_tested, on_the_bounds
from reference.cohort import generate
from reference.writer import write

pytestmark = pytest.mark.deep

# Of the cohorts that are compared by default, those that hold no defects: these are for the input contract.
SEEDS = (0, 2, 4)
TURNS = 20
# A mutant may join everything with everything: it ends as an error, not with the machine's memory.
BOUNDED = {"threads": 1, "memory_limit": "1GB", "temp_directory": ""}
# Models that decide which row is current and which is held back: compared row by row in their own way.
INPUT_CONTRACT = (
    "stg_",
    "int_cancellation_match",
    "int_taken_back",
    "int_delivered_row",
    "int_lost_measurement",
    "int_row_order",
    "int_row_disposition",
    "int_current_",
)
WITH_REFERENCE = tuple(compared.query() for compared in COMPARED)


@dataclass(frozen=True)
class Registry:
    """A built registry, what a test compares of it, and hashes: of every clinical model, and of what is compared."""

    warehouse: Path
    vault: Path
    queries: tuple[str, ...]
    models: dict[str, object]
    compared: tuple[object, ...]


def _homes(folder: Path) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """The deliveries of those tests, and what they compare."""
    home = folder / "day_bounds"
    write(on_the_bounds(), home / "deliveries")
    yield home, WITH_REFERENCE
    for seed in SEEDS:
        home = folder / f"cohort_{seed}"
        write(generate(seed, patients=60), home / "deliveries")
        yield home, WITH_REFERENCE
    for n in (0, 1):
        home = folder / f"tested_{n}"
        write(hardly_tested(n), home / "deliveries")
        yield home, WITH_REFERENCE
    home = folder / "bounds"
    test_grading_conformance.deliver(home, test_grading_conformance.lines_at_every_bound())
    yield home, (test_grading_conformance.GRADES, test_grading_conformance.NADIRS)
    home = folder / "examples"
    test_definition_examples.deliver(home)
    yield home, (test_definition_examples.FIRST_ONSETS,)


@cache
def registries() -> list[Registry]:
    """All of them, built from the SQL as it is."""
    built = []
    for home, queries in _homes(Path(mkdtemp(prefix="mutants-"))):
        settings = compiled_project().build(home, up_to=[model.name for model in clinical_models()])
        with _opened(settings.warehouse, settings.raw_db) as connection:
            models = {model.name: _hash(connection, model.relation) for model in clinical_models()}
            compared = tuple(_hash(connection, f"({query})") for query in queries)
        built.append(Registry(settings.warehouse, settings.raw_db, queries, models, compared))
    return built


def _opened(warehouse: Path, vault: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(str(warehouse), config=BOUNDED)
    connection.execute(f"ATTACH '{vault}' AS vault (READ_ONLY)")
    return connection


def _hash(connection: duckdb.DuckDBPyConnection, relation: str) -> object:
    """The same for the same rows in whatever order."""
    return connection.execute(f"SELECT count(*), sum(hash(t)) FROM {relation} AS t").fetchone()


@cache
def clinical_models() -> tuple[Model, ...]:
    """Every model that compared rows are made from, but for those of the input contract."""
    queries = " ".join(WITH_REFERENCE)
    wanted: set[str] = set()
    for model in reversed(compiled_project().models):
        if model.name in wanted or _in_query(model) in queries:
            wanted |= {model.name} | model.parents
    return tuple(
        model
        for model in compiled_project().models
        if model.name in wanted and not model.name.startswith(INPUT_CONTRACT)
    )


def _in_query(model: Model) -> str:
    """Schema and name, as a query names them."""
    return ".".join(model.relation.replace('"', "").split(".")[-2:]) + " "


def is_noticed(mutant: Mutant) -> bool:
    """Does what a test compares change in some registry, or the SQL fail?"""
    return any(_differs(mutant, registry) for registry in registries())


def _differs(mutant: Mutant, registry: Registry) -> bool:
    with _opened(registry.warehouse, registry.vault) as connection:
        connection.begin()
        try:
            changed: set[str] = set()
            for model in clinical_models():
                if model.name != mutant.model and not model.parents & changed:
                    continue
                sql = mutant.apply(model.sql) if model.name == mutant.model else model.sql
                connection.execute(f"CREATE OR REPLACE TABLE {model.relation} AS {sql}")
                if _hash(connection, model.relation) != registry.models[model.name]:
                    changed.add(model.name)
            if not changed:
                return False
            return any(
                _hash(connection, f"({query})") != as_it_is
                for query, as_it_is in zip(registry.queries, registry.compared, strict=True)
            )
        except duckdb.Error:
            return True  # a build that fails is noticed
        finally:
            connection.rollback()


@cache
def mutants() -> dict[str, Mutant]:
    """By name, all of them."""
    return {mutant.name: mutant for model in clinical_models() for mutant in mutants_of(model)}


@cache
def excused() -> dict[tuple[str, str, str], list[Mutant]]:
    """The mutants of each entry of those that no comparison can notice."""
    return {
        (model, part, before): [
            m for m in mutants().values() if (m.model, m.before) == (model, before) and m.lies_in(part)
        ]
        for model, part, before in SAME_MEANING | TESTED_ELSEWHERE
    }


def all_mutants() -> list[str]:
    """Names of those that must be noticed."""
    known = {mutant.name for found in excused().values() for mutant in found}
    return sorted(set(mutants()) - known)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "turn" in metafunc.fixturenames:
        wanted = metafunc.config.getoption("--mutants")
        turns = range(TURNS if wanted == "all" else 1)
        metafunc.parametrize(
            "turn", [pytest.param(turn, marks=pytest.mark.xdist_group(f"mutants{turn % 2}")) for turn in turns]
        )


def test_no_mutant_goes_unnoticed(turn: int, pytestconfig: pytest.Config) -> None:
    wanted = pytestconfig.getoption("--mutants")
    names = all_mutants()
    mine = (
        names[turn::TURNS]
        if wanted == "all"
        else random.Random(pytestconfig.getoption("--sample")).sample(names, int(wanted))
    )
    unnoticed = [name for name in mine if not is_noticed(mutants()[name])]
    assert not unnoticed, "no test would notice:\n" + "\n".join(unnoticed)


def test_what_is_excused_is_still_there_and_unnoticed(pytestconfig: pytest.Config) -> None:
    assert [entry for entry, found in excused().items() if not found] == []
    if pytestconfig.getoption("--mutants") == "all":
        assert [m.name for found in excused().values() for m in found if is_noticed(m)] == []
