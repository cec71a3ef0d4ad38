"""What tests of the gate and of releases share: candidates, sound and to break; a home with nothing published."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from integration.known_builds import shared_builder
from integration.publishing import FIRST, NEW_MONTH, SECOND
from integration.synthetic_warehouse import alter, build

from expectations import Audit, audit
from expectations.catalogue import queried
from registry import release
from registry.config.settings import Settings, Study, load_settings
from registry.release import publication


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


@pytest.fixture
def small_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gate that asks about two tables alone: for tests of what its judgement leads to."""
    some = [check for check in queried() if check.table in ("main.fct_anc", "main.mart_new_cases")]
    monkeypatch.setattr(publication, "audit", partial(audit, checks=some))


@pytest.fixture
def known_statistics(monkeypatch: pytest.MonkeyPatch) -> None:
    """Statistics of the same rows are computed once: for tests of what leads to them and follows.

    The whole build file is copied, so a change that a test makes to it before this step is lost.
    """
    monkeypatch.setattr("registry.statistics.write_statistics", shared_builder().statistics)


@pytest.fixture(scope="session")
def published(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two releases, the second in force; to be copied."""
    home = tmp_path_factory.mktemp("published")
    shutil.copy(built, home / "warehouse.duckdb")
    settings = load_settings(home=home)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(publication, "audit", lambda *_, **__: Audit(()))
        release.publish(settings, FIRST)
        alter(settings.warehouse, *NEW_MONTH)
        release.publish(settings, SECOND)
    return home


@pytest.fixture
def two(published: Path, tmp_path: Path, open_gate: None) -> Settings:
    """A copy of it, behind an open gate."""
    return load_settings(home=shutil.copytree(published, tmp_path / "two", symlinks=True))


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A candidate with nothing wrong, which also stands for the release before; it stays as it is, byte for byte."""
    path = build(tmp_path_factory.mktemp("sound") / "sound.duckdb")
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    yield path
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before


@pytest.fixture
def candidate(sound: Path, tmp_path: Path) -> Path:
    """A copy of it to break."""
    return Path(shutil.copy(sound, tmp_path / "candidate.duckdb"))
