"""The content hash of a case definition changes with its meaning, and with nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from integration.compiled_project import compiled_project

from registry import ingest
from registry.settings import load_settings

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
