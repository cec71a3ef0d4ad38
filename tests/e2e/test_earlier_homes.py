"""A home that an earlier version left is upgraded: its next refresh passes the gate, its deliveries gone or not."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

import duckdb
import pytest
from integration.registry_home import build, refresh_home

ARCHIVES = sorted((Path(__file__).parents[1] / "homes").glob("*.tar.xz"))
ROWS = "SELECT site, delivery, entity, sum(rows_delivered) FROM meta.reconciliation GROUP BY ALL ORDER BY ALL"
COUNTS = "SELECT patient_key, collected_at, anc_10e9_l, derivation FROM main.fct_anc ORDER BY ALL"


def rows(database: Path, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(query).fetchall()


@pytest.mark.parametrize("archive", ARCHIVES, ids=lambda path: path.name.removesuffix(".tar.xz"))
def test_a_home_of_an_earlier_version_is_upgraded_without_its_deliveries_and_reads_them_alike(
    archive: Path, tmp_path: Path
) -> None:
    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path, filter="data")
    home = tmp_path / "home"
    before = home / "releases" / "current" / "registry.duckdb"
    delivered, first = rows(before, ROWS), before.resolve().parent.name
    for site in [path for path in (home / "deliveries").iterdir() if path.is_dir()]:
        shutil.move(site, tmp_path / site.name)

    assert refresh_home(home).status == "published"

    after = home / "releases" / "current" / "registry.duckdb"
    assert after.resolve().parent.name != first
    assert rows(after, ROWS) == delivered
    counts = rows(after, COUNTS)
    assert counts

    for site in [path for path in tmp_path.iterdir() if (path / "2025-03").is_dir()]:
        shutil.move(site, home / "deliveries" / site.name)
    settings = build(home)
    assert rows(settings.warehouse, COUNTS) == counts
    assert rows(settings.warehouse, ROWS) == delivered
