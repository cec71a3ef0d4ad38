"""Finding deliveries: every file has a place, and what has none is said, with what to do."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from delivered import LAB_HEADER, Home

from registry import ingest
from registry.config.settings import load_settings
from registry.errors import UserError
from registry.system import clock


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    home.deliver("udine/2024-01/lab_results.csv", LAB_HEADER)
    return home


def places(home: Home, through: str | None = None) -> list[str]:
    return [file.where for file in ingest.discover(load_settings(home=home.folder, through=through))]


def test_every_file_is_found_by_site_month_and_name(home: Home) -> None:
    home.deliver("trieste/2023-12/LAB_results_part.2.CSV.gz", b"")
    home.deliver("trieste/2023-12/patients.parquet", b"")
    home.deliver("udine/2024-02/clinical_events_x.XLSX", b"")
    files = ingest.discover(home.settings)
    assert [(file.where, file.entity, file.format) for file in files] == [
        ("trieste/2023-12/LAB_results_part.2.CSV.gz", "lab_results", "csv"),
        ("trieste/2023-12/patients.parquet", "patients", "parquet"),
        ("udine/2024-01/lab_results.csv", "lab_results", "csv"),
        ("udine/2024-02/clinical_events_x.XLSX", "clinical_events", "xlsx"),
    ]
    assert all(len(file.sha256) == 64 for file in files)


def test_hidden_files_settings_and_notes_are_passed_over(home: Home) -> None:
    for place in ("registry.yml", "answer_key.json", "README.md", "udine/site.yml", "udine/.DS_Store"):
        home.deliver(place, b"")
    for name in (".partial.csv", "~$lab_results.xlsx", "Thumbs.db", "README.txt"):
        home.deliver(f"udine/2024-01/{name}", b"")
    assert places(home) == ["udine/2024-01/lab_results.csv"]


def test_months_after_the_one_asked_for_wait(home: Home) -> None:
    home.deliver("udine/2024-02/lab_results.csv", LAB_HEADER)
    assert places(home, through="2024-01") == ["udine/2024-01/lab_results.csv"]
    assert len(places(home, through="2024-02")) == 2


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("lab_results.csv", "'lab_results.csv' belongs to no site: move it to <site>/<YYYY-MM>/"),
        ("registry.yaml", "rename it to registry.yml"),
        ("Città/2024-01/patients.csv", "is not a valid site name: use only letters"),
        ("udine/lab_results.csv", "belongs to no delivery: move it to udine/<YYYY-MM>/"),
        ("udine/site.yaml", "rename it to site.yml"),
        ("udine/2024-13/patients.csv", "'2024-13' is not a delivery month: rename it to YYYY-MM"),
        ("udine/202401/patients.csv", "'202401' is not a delivery month"),
        ("udine/2024-01/labs.csv", "its name gives no entity: name it <entity>"),
        ("udine/2024-01/lab_resultsX.csv", "its name gives no entity"),
        ("udine/2024-01/patients.csv.part", "unknown file type"),
        ("udine/2024-01/patients.xls", "unknown file type"),
        ("udine/2024-01/more/patients.csv", "folders in a delivery are not read: move its files up"),
    ],
)
def test_what_has_no_place_is_refused_with_a_remedy(home: Home, place: str, message: str) -> None:
    home.deliver(place, b"")
    with pytest.raises(UserError) as caught:
        places(home)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_link_out_of_the_deliveries_is_refused(home: Home, tmp_path: Path) -> None:
    outside = tmp_path / "secret.csv"
    outside.write_text("x")
    (home.folder / "deliveries/udine/2024-01/patients.csv").symlink_to(outside)
    with pytest.raises(UserError, match="link out of the deliveries folder"):
        places(home)


def test_a_link_to_a_folder_outside_is_refused_and_one_inside_is_not(home: Home, tmp_path: Path) -> None:
    deliveries = home.folder / "deliveries"
    (deliveries / "copy").symlink_to(deliveries / "udine")
    assert len(places(home)) == 2
    (deliveries / "elsewhere").symlink_to(tmp_path)
    with pytest.raises(UserError, match="link out of the deliveries folder"):
        places(home)


def test_a_link_to_nothing_and_a_pipe_are_refused(home: Home) -> None:
    path = home.folder / "deliveries/udine/2024-01/patients.csv"
    path.symlink_to(path.with_name("gone.csv"))
    with pytest.raises(UserError, match="is a broken link"):
        places(home)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(UserError, match="not a regular file"):
        places(home)


def test_a_missing_deliveries_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such folder; put the sites' exports there"):
        ingest.discover(load_settings(home=tmp_path))


def test_every_site_folder_has_a_profile(home: Home) -> None:
    home.deliver("trieste/site.yml", "mode: snapshot")
    assert {site: profile.mode for site, profile in ingest.load_profiles(home.settings).items()} == {
        "trieste": "snapshot",
        "udine": "delta",
    }


def freeze(monkeypatch: pytest.MonkeyPatch, *today: int) -> None:
    monkeypatch.setattr(clock, "now", lambda: datetime(*today, tzinfo=UTC))


def test_a_month_after_the_present_one_is_refused_until_it_comes(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.deliver("udine/2052-01/lab_results.csv", LAB_HEADER)
    freeze(monkeypatch, 2024, 1, 31, 12)
    with pytest.raises(UserError) as caught:
        ingest.find(home.settings)
    assert str(caught.value).startswith("udine/2052-01: later than this month (2024-01); rename the folder")
    assert places(home, through="2024-12") == ["udine/2024-01/lab_results.csv"]
    freeze(monkeypatch, 2052, 1, 1)
    assert len(places(home)) == 2


@pytest.mark.parametrize(("zone", "is_there"), [("UTC", False), ("Pacific/Auckland", True), ("America/Lima", False)])
def test_the_present_month_is_that_of_the_study(
    zone: str, is_there: bool, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.deliver("registry.yml", f"time_zone: {zone}")
    home.deliver("udine/2024-02/lab_results.csv", LAB_HEADER)
    freeze(monkeypatch, 2024, 1, 31, 20)
    if is_there:
        assert len(places(home)) == 2
    else:
        with pytest.raises(UserError, match="udine/2024-02: later than this month"):
            places(home)


def test_a_later_month_that_was_loaded_before_goes_on(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    freeze(monkeypatch, 2052, 1, 1)
    home.deliver("udine/2052-01/lab_results.csv", LAB_HEADER)
    home.load()
    freeze(monkeypatch, 2024, 1, 31)
    home.deliver("udine/2052-01/lab_results_b.csv", LAB_HEADER)
    assert len(places(home)) == 3
    home.deliver("trieste/2052-01/lab_results.csv", LAB_HEADER)
    with pytest.raises(UserError, match="trieste/2052-01: later than"):
        places(home)
