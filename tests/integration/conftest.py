"""A sound release candidate and copies of it to break, for the tests of the gate."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from integration.synthetic_warehouse import build


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
