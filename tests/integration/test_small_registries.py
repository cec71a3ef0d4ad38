"""A centre without a single episode publishes too; simulated and real patients never share a home."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from integration.registry_home import build

from registry import refresh, release
from registry.errors import UserError
from registry.settings import load_settings
from registry.statistics import write_statistics


def deliver(home: Path) -> None:
    delivery = home / "deliveries" / "small" / "2025-03"
    delivery.mkdir(parents=True)
    (delivery / "patients.csv").write_text("patient_id,birth_date,sex\nP1,1980,F\n")


def test_a_registry_of_one_untreated_patient_passes_the_gate(tmp_path: Path) -> None:
    deliver(tmp_path)
    settings = build(tmp_path)
    write_statistics(settings)
    outcome = release.publish(settings, "0" * 64)
    assert outcome.status == "published"
    with duckdb.connect(str(tmp_path / "releases" / "current" / "registry.duckdb"), read_only=True) as connection:
        assert connection.execute("SELECT count(*), count(*) FILTER (in_cohort) FROM dim_patient").fetchone() == (1, 0)


def test_a_home_of_real_patients_takes_no_synthetic_ones(tmp_path: Path) -> None:
    deliver(tmp_path)
    build(tmp_path)
    (tmp_path / "deliveries" / "registry.yml").write_text("synthetic: true\n")
    with pytest.raises(UserError, match="holds real patients"):
        refresh.prepare(load_settings(home=tmp_path))
