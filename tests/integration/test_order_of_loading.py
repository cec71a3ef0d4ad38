"""A month that comes late, twice, out of order, or is replaced in place gives the warehouse that all at once gives."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import duckdb
import pytest
import yaml
from integration.compiled_project import compiled_project
from integration.registry_home import build, load
from reference.cohort import generate
from reference.writer import write

from registry import ingest
from registry.config.input_contract import ENTITIES
from registry.config.settings import Settings, load_settings
from registry.release.content import contents

N_STEPS = 4


def published(settings: Settings) -> dict[str, str]:
    """Content hash of every published table; of the files those in force, since versions that were replaced stay."""
    hashes = {name: table.content_hash for name, table in contents(settings.warehouse).items()}
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        row = connection.execute("SELECT sum(hash(f)) FROM meta.input_file AS f WHERE is_current").fetchone()
    return hashes | {"meta.input_file": str(row)}


def at_once(seed: int, home: Path) -> Settings:
    """A messy random cohort, delivered and built in one go."""
    write(generate(seed, messy=True, patients=40), home / "deliveries")
    return compiled_project().build(home)


def start_like(whole: Settings, home: Path) -> list[Path]:
    """A home with the same settings and key and no file yet; the files to come, relative to the deliveries."""
    deliveries = whole.deliveries
    shutil.copytree(deliveries, home / "deliveries", ignore=lambda _, names: [n for n in names if n.endswith(".csv")])
    (home / "vault").mkdir(mode=0o700)
    shutil.copy(whole.key_file, home / "vault" / whole.key_file.name)
    return sorted(path.relative_to(deliveries) for path in deliveries.rglob("*.csv"))


@pytest.mark.parametrize(("seed", "through_dbt"), [(1, True), (2, False)])
def test_files_in_any_order_and_any_number_of_times_give_the_same_warehouse(
    seed: int, through_dbt: bool, tmp_path: Path
) -> None:
    whole = at_once(seed, tmp_path / "whole")
    home = tmp_path / "piecemeal"
    files = start_like(whole, home)
    rng = random.Random(seed)
    rng.shuffle(files)
    for step in range(N_STEPS):
        for number, file in enumerate(files):
            target = home / "deliveries" / file
            text = (whole.deliveries / file).read_text(encoding="utf-8")
            due = number % N_STEPS
            if due == step and number % 3 == 0 and step < N_STEPS - 1:
                lines = text.splitlines(keepends=True)  # a first version, with rows missing and others doubled
                text = "".join([lines[0], *(rng.choice(lines[1:]) for _ in lines[2:])]) if len(lines) > 1 else text
            if due <= step:
                target.write_text(text, encoding="utf-8")
                target.touch()
        if through_dbt and step % 2:
            build(home)  # on what the build before has left
        else:
            load(home)
    settings = load_settings(home=home)
    if not through_dbt:
        compiled_project().run(settings)

    found, expected = published(settings), published(whole)
    assert {name for name in expected if found.get(name) != expected[name]} == set()
    assert set(found) == set(expected)


def test_a_changed_mapping_is_applied_to_rows_already_loaded_without_reading_a_file(tmp_path: Path) -> None:
    whole = at_once(1, tmp_path)
    profile_path = next(path for path in sorted(whole.deliveries.glob("*/site.yml")) if "tests" in path.read_text())
    site = profile_path.parent.name
    profile = yaml.safe_load(profile_path.read_text())
    del profile["codes"]["tests"]
    before = rows_not_mapped(whole, site)
    profile_path.write_text(yaml.safe_dump(profile))

    settings = load_settings(home=tmp_path)
    files = ingest.discover(settings)
    assert ingest.not_yet_loaded(settings, files, ingest.load_profiles(settings)) == []
    ingest.write_config(settings, ingest.load_profiles(settings))
    loaded = [ingest.load_entity(settings, entity, files) for entity in ENTITIES]
    assert not any(result.changed for result in loaded)
    compiled_project().run(settings)

    assert rows_not_mapped(settings, site) > before


def rows_not_mapped(settings: Settings, site: str) -> int:
    """Lab results of tests that the registry does not follow."""
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        row = connection.execute(
            "SELECT sum(rows_not_mapped)::BIGINT FROM meta.reconciliation WHERE site = ?", [site]
        ).fetchone()
    return int(row[0]) if row else 0
