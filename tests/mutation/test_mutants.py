"""Every threshold and comparison of the clinical SQL is held by a test: change one, and what is published changes.

What the tests hold the warehouse to is what it publishes of these registries: the random cohorts that are compared row
by row with the reference, the results at every bound of every scale, and the example patients of each definition. A
mutant that changes none of it would pass them all. A sample runs by default; `make mutants` runs all.
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
from integration.compiled_project import compiled_project
from mutation.mutants import MUTATED, Mutant, mutants_of
from reference.bounds import on_the_bounds
from reference.cohort import generate
from reference.writer import write

# Compared row by row in tests/integration/test_against_reference.py and in the two tests that deliver the other homes.
PUBLISHED = (
    "main.fct_anc",
    "main.fct_neutropenia_episode",
    "main.fct_dose",
    "main.dim_patient",
    "main.mart_case_listing",
    "main.mart_monitoring",
    "main.mart_rechallenge",
    "main.mart_attrition",
    "intermediate.int_risk_time",
)
SEEDS = (0, 2, 4, 6, 8, 10)

# Mutants that mean the same: (model, part of the line, before): why nothing can change.
_NO_RECOVERY_AT_ONSET = "a day has one count, and that of the day of onset is low, so no recovery"
_NO_RECOVERY_AT_LOSS = (
    "a day has one count, and that on which an episode was lost is no recovery, or it had ended there"
)
_NEVER_ABOVE = "a count above some value is not low, so it is the nadir of no episode"
_GRADED_BEFORE = "1.0 itself was graded by the line before"
SAME_MEANING: dict[tuple[str, str, str], str] = {
    ("int_episode", "and anc_day.collected_on < ended.onset_on", "<"): _NO_RECOVERY_AT_ONSET,
    ("int_recurrence", "and anc_day.collected_on < episodes.onset_on", "<"): _NO_RECOVERY_AT_ONSET,
    ("mart_monitoring", "and episode.end_on < anc_day.collected_on", "<"): _NO_RECOVERY_AT_LOSS,
    ("int_dose", "dose.administered_on >= line.start_on", ">="): "of a day's doses the recorded one is kept anyway",
    ("int_episode_attributed", "drugs.interval_days <= 28", "28"): "no drug has an interval of 29 days",
    ("fct_neutropenia_episode", "(nadir_low > 1.000000", ">"): _GRADED_BEFORE,
    ("fct_neutropenia_episode", "(nadir_low = 1.000000", "1.000000"): _NEVER_ABOVE,
    ("fct_neutropenia_episode", "nadir_low > 1.000000 and nadir_high < 1.500000", ">"): _GRADED_BEFORE,
}


@dataclass(frozen=True)
class Registry:
    """A built registry, and the hash of all that it publishes."""

    warehouse: Path
    vault: Path
    published: tuple[object, ...]


def _homes(folder: Path) -> Iterator[Path]:
    """The deliveries that the tests compare with what they expect."""
    home = folder / "examples"
    test_definition_examples.deliver(home)
    yield home
    home = folder / "bounds"
    test_grading_conformance.deliver(home, test_grading_conformance.lines_at_every_bound())
    yield home
    home = folder / "day_bounds"
    write(on_the_bounds(), home / "deliveries")
    yield home
    for seed in SEEDS:
        home = folder / f"cohort_{seed}"
        write(generate(seed, patients=60), home / "deliveries")
        yield home


@cache
def registries() -> list[Registry]:
    """All of them, built from the SQL as it is."""
    built = []
    for home in _homes(Path(mkdtemp(prefix="mutants-"))):
        settings = compiled_project().build(home)
        with duckdb.connect(str(settings.warehouse), config={"threads": 1}) as connection:
            built.append(Registry(settings.warehouse, settings.raw_db, _published(connection)))
    return built


def _published(connection: duckdb.DuckDBPyConnection) -> tuple[object, ...]:
    return tuple(
        connection.execute(f"SELECT count(*), sum(hash(t)) FROM {table} AS t").fetchone() for table in PUBLISHED
    )


def is_noticed(mutant: Mutant) -> bool:
    """Does what any registry publishes change, or the SQL fail?"""
    return any(_differs(mutant, registry) for registry in registries())


def _differs(mutant: Mutant, registry: Registry) -> bool:
    with duckdb.connect(str(registry.warehouse), config={"threads": 1}) as connection:
        connection.execute(f"ATTACH '{registry.vault}' AS vault (READ_ONLY)")
        connection.begin()
        try:
            for model in compiled_project().descendants(mutant.model):
                sql = mutant.apply(model.sql) if model.name == mutant.model else model.sql
                connection.execute(f"CREATE OR REPLACE {model.kind} {model.relation} AS {sql}")
            return _published(connection) != registry.published
        except duckdb.Error:
            return True  # a build that fails is noticed
        finally:
            connection.rollback()


@cache
def all_mutants() -> dict[str, Mutant]:
    """By name, those that mean something else."""
    models = {model.name: model for model in compiled_project().models}
    assert set(MUTATED) <= set(models)
    mutants = [mutant for name in MUTATED for mutant in mutants_of(models[name])]
    return {mutant.name: mutant for mutant in mutants if not _means_the_same(mutant)}


def _means_the_same(mutant: Mutant) -> bool:
    known = ((part, before) for model, part, before in SAME_MEANING if model == mutant.model)
    return any(before == mutant.before and mutant.lies_in(part) for part, before in known)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "turn" in metafunc.fixturenames:
        wanted = metafunc.config.getoption("--mutants")
        turns = range(20 if wanted == "all" else 1)
        metafunc.parametrize(
            "turn", [pytest.param(turn, marks=pytest.mark.xdist_group(f"mutants{turn % 2}")) for turn in turns]
        )


def test_no_mutant_goes_unnoticed(turn: int, pytestconfig: pytest.Config) -> None:
    wanted = pytestconfig.getoption("--mutants")
    names = sorted(all_mutants())
    mine = names[turn::20] if wanted == "all" else random.Random(2025).sample(names, int(wanted))
    unnoticed = [name for name in mine if not is_noticed(all_mutants()[name])]
    assert not unnoticed, "no test would notice:\n" + "\n".join(unnoticed)


def test_what_is_said_to_mean_the_same_is_still_there() -> None:
    models = {model.name: model.sql for model in compiled_project().models}
    for model, part, before in SAME_MEANING:
        assert part in models[model], (model, part)
        assert before in part
