"""`registry simulate --messy`, then a refresh: the warehouse says of every row what was planted in it, and no more.

More seeds: REGISTRY_MESSY_SEEDS=0,1,2,3 pytest tests/e2e/test_messy.py
"""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import pytest
from e2e.conftest import run_registry
from integration.answers import answers_of_key, answers_of_warehouse
from integration.registry_home import load, refresh_home

from registry.config.settings import load_settings
from registry.operations.check import check
from registry.release.query import query

pytestmark = pytest.mark.xdist_group("refresh")
SEEDS = [int(seed) for seed in os.environ.get("REGISTRY_MESSY_SEEDS", "1").split(",")]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_warehouse_finds_every_planted_defect_and_no_other(seed: int, tmp_path: Path) -> None:
    deliveries = tmp_path / "deliveries"
    simulated = run_registry(
        "simulate", "--out", deliveries, "--messy", "--patients", 60, "--months", 6, "--seed", seed
    )
    assert simulated.returncode == 0, simulated.stderr
    assert "answer_key.json" in simulated.stdout
    assert "too small" not in simulated.stdout

    # Old months that arrive late: their files are loaded last, and must count as if they had come in time.
    late = [
        *deliveries.glob("*/*/*_late_*"),
        *deliveries.glob("syn_native/2024-11/*"),
        *deliveries.glob("*/2024-12/pat*"),
    ]
    for path in late:
        path.rename(tmp_path / "_".join(path.relative_to(deliveries).parts))
    load(tmp_path)
    for path in late:
        (tmp_path / "_".join(path.relative_to(deliveries).parts)).rename(path)
    assert len(late) > 3

    assert refresh_home(tmp_path).status == "published"  # the gate warns, and does not refuse

    expected, found = answers_of_key(deliveries), answers_of_warehouse(load_settings(home=tmp_path))
    for what, answers in expected.items():
        missing, extra = sorted(answers - found[what]), sorted(found[what] - answers)
        assert not missing and not extra, f"{what}: missing {missing[:5]}, extra {extra[:5]}"

    listed = json.loads(run_registry("quarantine", "--home", tmp_path, "--records", "--all", "--format", "json").stdout)
    held_back = [(f"{row['site']}/{row['delivery']}/{row['file']}", row["record"], row["reasons"]) for row in listed]
    planted = [
        (place, record, reasons) for place, record, _, what, reasons in expected["rows"] if what == "quarantined"
    ]
    assert sorted((place, record, ",".join(sorted(reasons.split(",")))) for place, record, reasons in held_back) == (
        sorted(planted)
    )
    assert_check_finds_the_same(tmp_path)


def assert_check_finds_the_same(home: Path) -> None:
    """`registry check` finds what was published as not used, and no more."""
    settings = load_settings(home=home)
    found: Counter[tuple[str, str, str]] = Counter()
    for one in check(settings).findings:
        found[one.site, one.entity, one.what] += one.n_rows
    published: Counter[tuple[str, str, str]] = Counter()
    for sql in (
        "SELECT site, entity, reason, sum(n_open)::INT FROM meta.quarantine_summary GROUP BY ALL",
        "SELECT site, entity, 'cell emptied: ' || reason, sum(n_cells)::INT FROM meta.column_defect GROUP BY ALL",
        "SELECT site, 'lab_results', 'not_mapped', n_rows FROM meta.unmapped_code",
        "SELECT site, entity, 'record no longer used', count(*) FROM meta.contested GROUP BY ALL",
    ):
        published |= {(site, entity, what): n for site, entity, what, n in query(settings, sql)[1] if n}
    assert len(published) > 50
    assert found == published
