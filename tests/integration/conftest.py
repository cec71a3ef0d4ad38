"""What tests of releases share: a home with a build file and nothing published, and a gate that is open."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from integration.synthetic_warehouse import build

from expectations import Audit
from registry.release import publication
from registry.settings import Settings, Study


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("built") / "warehouse.duckdb")


@pytest.fixture
def settings(built: Path, tmp_path: Path) -> Settings:
    """A home with a build file and nothing published."""
    home = tmp_path / "home"
    home.mkdir()
    shutil.copy(built, home / "warehouse.duckdb")
    study = Study(study_id="udine", synthetic=True, data_cutoff="2024-03-15")
    return Settings(
        home=home,
        deliveries=home / "deliveries",
        config=None,
        through=None,
        study=study,
        memory_limit="1GB",
        threads=2,
    )


@pytest.fixture
def open_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gate that lets everything pass: for tests of what happens behind it."""
    monkeypatch.setattr(publication, "audit", lambda *_, **__: Audit(()))
