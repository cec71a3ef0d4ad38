"""The content hash of a case definition changes with its meaning, and with nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from integration.compiled_project import compiled_project

from registry import ingest
from registry.config.settings import Settings, load_settings
from registry.paths import DBT_PROJECT

OTHER_MEANING: dict[str, Any] = {
    "severity_scale": "ctcae_v6",
    "onset_below": 0.9,
    "onset_inclusive": True,
    "recovery_at": 1.4,
    "max_gap_days": 91,
    "gcsf_days": 15,
    "attribution_days": 364,
    "late_days": 29,
}


OTHER_DRUG: dict[str, Any] = {
    "drug": "'rituximab iv'",
    "drug_class": "'gcsf'",
    "interval_days": 183,
    "home_injected": True,
}
WINDOWS = dict(re.findall(r"'(\w+)': ([\d.]+),", (DBT_PROJECT / "macros" / "windows.sql").read_text()))


def hashes(home: Path, **parameters: Any) -> dict[str, str]:
    """Content hash of every definition in force, where udine_2025 has these parameters."""
    deliveries = home / "deliveries"
    (deliveries / "site" / "2024-01").mkdir(parents=True, exist_ok=True)
    definition = {"definition_id": "udine_2025", **parameters}
    (deliveries / "registry.yml").write_text(yaml.safe_dump({"definitions": [definition]}))
    settings = load_settings(home=home)
    ingest.write_config(settings, ingest.load_profiles(settings))
    compiled_project().run(settings, up_to=("definition",))
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        return dict(connection.execute("SELECT definition_id, content_hash FROM meta.definition").fetchall())


def test_a_name_is_no_meaning(tmp_path: Path) -> None:
    assert hashes(tmp_path, label="Other words") == hashes(tmp_path)


@pytest.mark.parametrize("parameter", OTHER_MEANING)
def test_every_parameter_is_meaning(parameter: str, tmp_path: Path) -> None:
    before, after = hashes(tmp_path), hashes(tmp_path, **{parameter: OTHER_MEANING[parameter]})
    assert {name for name in before if before[name] != after[name]} == {"udine_2025"}


def hashes_of(settings: Settings, *changes: str, windows: str = "") -> set[str]:
    """The hashes after changes to the seeds of a build, or with another text of the fixed windows."""
    [model] = [model for model in compiled_project().models if model.name == "definition"]
    assert windows in model.sql
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute(f"ATTACH '{settings.raw_db}' AS vault (READ_ONLY)")
        connection.begin()
        for change in changes:
            connection.execute(change)
        sql = model.sql.replace(windows, f"{windows}0") if windows else model.sql
        found = {content_hash for *_, content_hash in connection.execute(sql).fetchall()}
        connection.rollback()
    return found


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A build up to the definitions."""
    home = tmp_path_factory.mktemp("home")
    hashes(home)
    return load_settings(home=home)


@pytest.mark.parametrize("column", OTHER_DRUG)
def test_what_a_drug_is_and_how_it_is_given_is_meaning_of_every_definition(column: str, built: Settings) -> None:
    changed = f"UPDATE seeds.drugs SET {column} = {OTHER_DRUG[column]} WHERE drug = 'rituximab'"
    before, after = hashes_of(built), hashes_of(built, changed)
    assert len(before) == len(after) == 4
    assert not before & after


def test_a_source_or_a_drug_of_no_class_of_ours_is_no_meaning(built: Settings) -> None:
    before = hashes_of(built)
    assert before == hashes_of(built, "UPDATE seeds.drugs SET source = 'elsewhere', atc = 'X', neutropenia_risk = true")
    assert before == hashes_of(built, "DELETE FROM seeds.drugs WHERE drug_class = 'other'")


@pytest.mark.parametrize("window", WINDOWS)
def test_every_fixed_window_is_meaning_and_is_used(window: str, built: Settings) -> None:
    assert not hashes_of(built) & hashes_of(built, windows=f"{window}={WINDOWS[window]}")
    models = [path.read_text() for path in (DBT_PROJECT / "models").rglob("*.sql")]
    assert any(f"fixed_windows().{window}" in sql for sql in models)
