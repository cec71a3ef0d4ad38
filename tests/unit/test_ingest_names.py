"""Names that people, hospitals' programs and file servers give: kept, passed over, or refused in one line."""

from __future__ import annotations

import os
import unicodedata
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from delivered import LAB_HEADER, Home, lab

from registry import ingest
from registry.cli.main import main
from registry.config.settings import load_settings
from registry.errors import UserError
from registry.ingest import arrival, deliveries
from registry.ingest.names import is_passed_over
from registry.profile.files import find_export

COMPOSED = "lab_results_perché.csv"
DECOMPOSED = unicodedata.normalize("NFD", COMPOSED)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    home.deliver("udine/2024-01/lab_results.csv", lab("r1,P1,c,1,u,d"))
    return home


def places(home: Home) -> list[str]:
    return [file.where for file in ingest.discover(home.settings)]


def refused(home: Home) -> str:
    with pytest.raises(UserError) as caught:
        places(home)
    assert str(caught.value).isprintable(), "one line, fit for any terminal"
    return str(caught.value)


def test_two_names_that_become_one_place_are_refused_and_told_apart(home: Home) -> None:
    home.deliver(f"udine/2024-01/{COMPOSED}", LAB_HEADER)
    home.deliver(f"udine/2024-01/{DECOMPOSED}", LAB_HEADER)
    told = refused(home)
    assert f"udine/2024-01: '{COMPOSED}' is there twice" in told
    assert "'lab_results_perche\\u0301.csv'" in told
    assert "'lab_results_perch\\xe9.csv'" in told


def test_a_name_that_comes_back_with_other_accents_is_the_same_place(home: Home) -> None:
    path = home.deliver(f"udine/2024-01/{COMPOSED}", lab("r2,P1,c,1,u,d"))
    home.load()
    path.unlink()
    home.deliver(f"udine/2024-01/{DECOMPOSED}", lab("r2,P1,c,2,u,d"))
    assert places(home) == ["udine/2024-01/lab_results.csv", f"udine/2024-01/{COMPOSED}"]
    assert home.load().n_rows_new == 1


def test_a_workbook_is_found_in_site_yml_however_its_accents_are_written(home: Home) -> None:
    home.deliver("udine/site.yml", "sheets: {'perché.xlsx': {'Foglio1': lab_results}}")
    home.deliver(f"udine/2024-01/{unicodedata.normalize('NFD', 'perché.xlsx')}", b"")
    assert "udine/2024-01/perché.xlsx" in places(home)


@pytest.mark.parametrize(
    "place",
    [
        "udine/2024-01/lab_results_\udce8.csv",
        "udine/2024-0\udce8/lab_results.csv",
        "udi\udce8ne/2024-01/lab_results.csv",
    ],
    ids=["file", "month", "site"],
)
def test_a_name_that_is_not_utf8_is_refused(home: Home, place: str) -> None:
    home.deliver(place, LAB_HEADER)
    assert "\\xe8" in refused(home)
    for command in ("status", "doctor"):
        done = CliRunner().invoke(main, [command, "--home", str(home.folder)])
        assert done.exit_code == 2
        assert "is not UTF-8: rename it" in done.output


@pytest.mark.parametrize("char", ["\n", "\t", "\x1b", "\x7f", "\x85", "\u200b", "\u202e", "\u2028", "\ufeff"])
@pytest.mark.parametrize("place", ["udine/2024-01/lab_results_{}.csv", "udi{}ne/2024-01/lab_results.csv"])
def test_characters_that_nobody_sees_are_refused_in_a_name(home: Home, place: str, char: str) -> None:
    home.deliver(place.format(char), LAB_HEADER)
    assert "contains invisible characters: rename it" in refused(home)


@pytest.mark.parametrize(("length", "is_kept"), [(200, True), (201, False)])
def test_a_name_leaves_room_for_what_is_named_after_it(home: Home, length: int, is_kept: bool) -> None:
    name = f"lab_results_{'è' * 90}".ljust(length - 94, "x") + ".csv"
    assert len(name.encode()) == length
    home.deliver(f"udine/2024-01/{name}", lab("r2,P1,c,1,u,d"))
    if is_kept:
        home.load()
        assert home.query("SELECT path FROM main.input_file ORDER BY path DESC")[0] == (name,)
    else:
        assert "is longer than 200 bytes: rename it" in refused(home)


def test_two_sites_that_differ_in_capitals_alone_are_refused(home: Home) -> None:
    home.deliver("Udine/2024-01/lab_results.csv", LAB_HEADER)
    assert "'Udine' and 'udine' differ only in capitals" in refused(home)


def test_a_month_has_ascii_digits(home: Home) -> None:
    home.deliver("udine/20２4-01/lab_results.csv", LAB_HEADER)
    assert "is not a delivery month" in refused(home)


def test_a_link_in_a_circle_is_refused(home: Home) -> None:
    path = home.folder / "deliveries/udine/2024-01/patients.csv"
    path.symlink_to(path)
    assert "is a broken link" in refused(home)


@pytest.mark.parametrize("given", ["home", "deliveries", "config"])
def test_a_path_that_is_not_utf8_is_refused(tmp_path: Path, given: str) -> None:
    with pytest.raises(UserError, match=r"x\\xe8: the path is not UTF-8: rename it"):
        load_settings(**{"home": str(tmp_path), given: str(tmp_path / "x\udce8")})  # type: ignore[arg-type]


NOT_OURS = (
    "@eaDir", "#recycle", "@Recycle", "lost+found", "System Volume Information", "$RECYCLE.BIN", "RECYCLER", "__MACOSX",
    ".snapshot", "~snapshot", "#snapshot", "@Recently-Snapshot", "@tmp", ".Trash-1000", ".fseventsd", "Temporary Items",
    "Network Trash Folder", "FOUND.000", "Icon\r", "Thumbs.db:encryptable", "~$lab_results.xlsx", "README.md",
)  # fmt: skip


@pytest.mark.parametrize("level", ["", "udine/", "udine/2024-01/"])
@pytest.mark.parametrize("name", NOT_OURS)
def test_what_systems_leave_is_passed_over_at_every_level(home: Home, level: str, name: str) -> None:
    home.deliver(f"{level}{name}/lab_results.csv", LAB_HEADER)
    home.deliver(f"{level}{name}/2024-01/site.yml", "nonsense")
    assert places(home) == ["udine/2024-01/lab_results.csv"]
    assert set(ingest.load_profiles(home.settings)) == {"udine"}
    assert [file.name for file in find_export(home.folder / "deliveries/udine").files] == ["2024-01/lab_results.csv"]


@pytest.mark.parametrize("name", ["recycle", "snapshot", "tmp", "lab_results.csv.part", "lost", "x@eaDir", "readme2"])
def test_what_only_looks_like_it_is_not(name: str) -> None:
    assert not is_passed_over(name)


@pytest.mark.parametrize("change", ["grows", "same size", "goes"])
def test_a_file_that_changes_while_it_is_hashed_is_refused(
    home: Home, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = home.deliver("udine/2024-01/lab_results_b.csv", LAB_HEADER)
    hashed = deliveries._sha256

    def while_it_changes(file: ingest.DeliveredFile) -> str:
        sha256 = hashed(file)
        if file.absolute == path and change == "goes":
            path.unlink()
        elif file.absolute == path:
            path.write_text(LAB_HEADER + "\n" if change == "grows" else LAB_HEADER.upper())
            os.utime(path, (1, 1))
        return sha256

    monkeypatch.setattr(deliveries, "_sha256", while_it_changes)
    told = refused(home)
    assert told.startswith("udine/2024-01/lab_results_b.csv: still being written: wait until the copy is complete")


NOW = datetime(2024, 2, 1, tzinfo=UTC).timestamp()


def file(name: str, age: float, size: int = 10, month: str = "2024-01") -> ingest.DeliveredFile:
    return ingest.DeliveredFile(
        "udine", month, "lab_results", name, Path(name), "csv", "", size, int((NOW - age) * 10**9)
    )


@pytest.mark.parametrize(
    ("age", "waits"), [(0, True), (59.9, True), (60, False), (10**6, False), (-59, True), (-3600, False)]
)
def test_a_month_waits_while_a_file_of_it_is_younger_than_a_minute(age: float, waits: bool) -> None:
    files = [
        file("lab_results.csv", 10**6),
        file("lab_results_b.csv", age),
        file("lab_results.csv", 10**6, 1, "2024-02"),
    ]
    told = {("udine", "2024-01"): "1 file less than 60 seconds old"} if waits else {}
    assert arrival.unsettled(files, NOW, None) == told
    assert arrival.unsettled(files, NOW, arrival.looks(files)) == told


@pytest.mark.parametrize(
    "before",
    [[], [file("lab_results.csv", 10**6, 9)], [file("lab_results.csv", 10**6 + 1)]],
    ids=["not there", "grown", "written again"],
)
def test_a_month_waits_while_a_file_of_it_changes_whatever_its_date(before: list[ingest.DeliveredFile]) -> None:
    found = [file("lab_results.csv", 10**6)]
    waiting = arrival.unsettled(found, NOW, arrival.looks(before))
    assert waiting == {("udine", "2024-01"): "1 file new or changed since the last check"}
    as_json = {where: list(look) for where, look in arrival.looks(found).items()}
    assert arrival.unsettled(found, NOW, as_json) == {}


def test_a_workbook_of_several_entities_is_one_file(home: Home) -> None:
    home.deliver("udine/site.yml", "sheets: {'b.xlsx': {'A': lab_results, 'B': patients}}")
    home.deliver("udine/2024-02/b.xlsx", b"")
    waiting = arrival.unsettled(ingest.find(home.settings), datetime.now(UTC).timestamp(), {})
    assert waiting["udine", "2024-02"] == "1 file new or changed since the last check"
