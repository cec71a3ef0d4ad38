"""A release that is no longer as it was sealed: no refresh takes it for whole, each command says so in one line."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from integration.publishing import FIRST, FIRST_ID, SECOND, SECOND_ID
from integration.synthetic_warehouse import alter

from registry import release
from registry.cli.main import main
from registry.config.settings import Settings
from registry.errors import UserError
from registry.refresh import cleanup
from registry.release import gate_record
from registry.release.headline_figures import figures

Harm = Callable[[Path], object]


def run(settings: Settings, *arguments: str) -> Result:
    return CliRunner().invoke(main, [*arguments, "--home", str(settings.home)])


def in_force(settings: Settings) -> str:
    found = release.current(settings)
    assert found is not None
    return found.release_id


def tear(name: str, size: int = 200) -> Harm:
    return lambda folder: os.truncate(folder / name, size)


def flip(name: str) -> Harm:
    def harm(folder: Path) -> None:
        content = (folder / name).read_bytes()
        middle = len(content) // 2
        (folder / name).write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])

    return harm


def state_too_little(folder: Path) -> None:
    lines = (folder / "SHA256SUMS").read_text().splitlines(keepends=True)
    (folder / "SHA256SUMS").write_text("".join(line for line in lines if "registry.duckdb" not in line))


HARMS: dict[str, Harm] = {
    "manifest torn": tear("manifest.json"),
    "a byte of the manifest": lambda folder: (folder / "manifest.json").write_text(
        (folder / "manifest.json").read_text().replace('"synthetic": false', '"synthetic": true ')
    ),
    "database torn": tear("registry.duckdb", 5000),
    "a bit of the database": flip("registry.duckdb"),
    "database gone": lambda folder: (folder / "registry.duckdb").unlink(),
    "a bit of a table": flip("parquet/fct_anc.parquet"),
    "a table gone": lambda folder: (folder / "parquet" / "fct_anc.parquet").unlink(),
    "sums gone": lambda folder: (folder / "SHA256SUMS").unlink(),
    "sums empty": tear("SHA256SUMS", 0),
    "sums state too little": state_too_little,
}


@pytest.mark.parametrize("harm", HARMS.values(), ids=HARMS)
def test_a_refresh_sets_the_damaged_release_in_force_aside_and_publishes_it_anew(two: Settings, harm: Harm) -> None:
    harm(two.releases / SECOND_ID)
    cleanup.remove_leftovers(two)
    assert in_force(two) == FIRST_ID
    assert not release.is_current_for(two, SECOND), "there is something to do"
    again = release.publish(two, SECOND)
    assert (again.status, again.release_id) == ("published", SECOND_ID)
    assert release.verify(two.releases / SECOND_ID) == []
    assert [one.release_id for one in release.list_releases(two)] == [SECOND_ID, FIRST_ID]
    assert [path.name for path in two.releases.glob(".damaged-*")] == [f".damaged-{SECOND_ID}"]


def test_what_is_added_to_a_release_is_no_damage(two: Settings) -> None:
    (two.releases / SECOND_ID / "notes.txt").write_text("mine")
    cleanup.remove_leftovers(two)
    assert in_force(two) == SECOND_ID


def test_a_release_whose_folder_was_taken_away_is_replaced(two: Settings) -> None:
    shutil.rmtree(two.releases / SECOND_ID)
    with pytest.raises(UserError, match=f"release {SECOND_ID} is current, but its folder is gone"):
        release.current(two)
    cleanup.remove_leftovers(two)
    assert in_force(two) == FIRST_ID
    assert release.publish(two, SECOND).release_id == SECOND_ID


def test_no_damaged_release_takes_the_place_of_another(two: Settings) -> None:
    for release_id in (FIRST_ID, SECOND_ID):
        flip("registry.duckdb")(two.releases / release_id)
    cleanup.remove_leftovers(two)
    assert release.current(two) is None
    assert release.list_releases(two) == []
    assert len(list(two.releases.glob(".damaged-*"))) == 2


def test_a_damaged_older_release_does_not_come_back_into_force(two: Settings, built: Path) -> None:
    """The inputs go back to those of a release that was damaged meanwhile: it is made anew."""
    flip("registry.duckdb")(two.releases / FIRST_ID)
    shutil.copy(built, two.warehouse)
    assert release.publish(two, FIRST).release_id == FIRST_ID == in_force(two)
    assert release.verify(two.releases / FIRST_ID) == []


def test_a_release_is_confirmed_although_the_one_before_is_damaged(two: Settings) -> None:
    tear("registry.duckdb", 5000)(two.releases / FIRST_ID)
    assert release.publish(two, SECOND).status == "confirmed"


def test_a_refresh_that_meets_the_damage_later_says_so_in_a_line(two: Settings) -> None:
    tear("registry.duckdb", 5000)(two.releases / SECOND_ID)
    with pytest.raises(UserError, match=f"release {SECOND_ID} is damaged: its registry.duckdb can't be read"):
        release.publish(two, "c3" * 32)


class TestAfterARollback:
    """Going back on purpose outlives the damage: what was left behind does not come back by itself."""

    def test_another_than_the_one_left_behind_takes_the_place(self, two: Settings) -> None:
        alter(two.warehouse, "UPDATE main.mart_sensitivity SET n_recurrent = 1")
        third = release.publish(two, "c3" * 32).release_id
        release.rollback(two, SECOND_ID)
        flip("registry.duckdb")(two.releases / SECOND_ID)
        cleanup.remove_leftovers(two)
        assert in_force(two) == FIRST_ID
        assert release.is_current_for(two, "c3" * 32), "a refresh of the same inputs leaves it"
        assert release.rollback(two, third).release_id == third

    def test_the_one_left_behind_does_where_there_is_no_other(self, two: Settings) -> None:
        release.rollback(two, FIRST_ID)
        flip("registry.duckdb")(two.releases / FIRST_ID)
        cleanup.remove_leftovers(two)
        assert in_force(two) == SECOND_ID
        assert release.pinned(two) is None

    @pytest.mark.parametrize("harm", [tear("manifest.json"), shutil.rmtree], ids=["torn", "gone"])
    def test_one_goes_back_from_a_damaged_release_and_stays_there(self, two: Settings, harm: Harm) -> None:
        harm(two.releases / SECOND_ID)
        done = run(two, "releases", "rollback", FIRST_ID)
        assert done.exit_code == 0, done.output
        assert f"current release: {FIRST_ID}, no longer {SECOND_ID}" in done.output
        cleanup.remove_leftovers(two)
        assert in_force(two) == FIRST_ID
        assert release.is_current_for(two, SECOND)


@pytest.mark.parametrize("harm", [HARMS[name] for name in ("database torn", "manifest torn", "sums gone")])
@pytest.mark.parametrize(
    "command",
    [
        ("releases", "show", SECOND_ID),
        ("releases", "diff", FIRST_ID, SECOND_ID),
        ("releases", "diff", SECOND_ID, FIRST_ID),
        ("releases", "rollback", SECOND_ID),
        ("releases", "public", SECOND_ID),
        ("sql", "select * from fct_anc"),
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_a_command_that_meets_a_damaged_release_says_so_in_one_line(
    two: Settings, command: tuple[str, ...], harm: Harm
) -> None:
    release.rollback(two, FIRST_ID)
    harm(two.releases / SECOND_ID)
    if command[0] == "sql":
        command = (*command, "--release", SECOND_ID)
        if harm is HARMS["sums gone"]:
            return  # it reads the database alone
    done = run(two, *command)
    assert done.exit_code == 2
    (line,) = done.output.splitlines()
    assert f"release {SECOND_ID}" in line
    assert "internal error" not in line
    assert in_force(two) == FIRST_ID


def test_a_copy_in_the_place_of_the_link_is_set_aside_and_the_link_put_back(two: Settings) -> None:
    """As after a copy or a restored backup that followed links: also a rollback outlives it."""
    release.rollback(two, FIRST_ID)
    link = two.releases / "current"
    link.unlink()
    shutil.copytree(two.releases / FIRST_ID, link)
    for command in (("sql", "select 1"), ("releases", "list"), ("releases", "rollback", SECOND_ID), ("status",)):
        done = run(two, *command)
        assert done.exit_code == 2
        assert "current is not a link to a release" in done.output
    assert "current is not a release id" in run(two, "releases", "show", "current").output
    cleanup.remove_leftovers(two)
    assert in_force(two) == FIRST_ID
    assert release.is_current_for(two, SECOND)
    assert (two.releases / ".damaged-current").is_dir()


@pytest.mark.parametrize("in_its_place", ["nothing", "a file"])
def test_without_the_link_the_newest_release_is_in_force(two: Settings, in_its_place: str) -> None:
    """As after a copy that drops links: else the next release would be compared with nothing."""
    link = two.releases / "current"
    link.unlink()
    if in_its_place == "a file":
        link.write_text(SECOND_ID)
    cleanup.remove_leftovers(two)
    assert in_force(two) == SECOND_ID


def test_a_rollback_outlives_the_loss_of_the_link(two: Settings) -> None:
    release.rollback(two, FIRST_ID)
    (two.releases / "current").unlink()
    cleanup.remove_leftovers(two)
    assert in_force(two) == FIRST_ID
    assert release.is_current_for(two, SECOND), "nothing moves it before the inputs change"


def test_the_first_release_of_a_killed_refresh_is_put_in_force_by_the_next_alone(two: Settings) -> None:
    shutil.rmtree(two.releases / SECOND_ID)
    (two.releases / "current").unlink()
    gate_record.path_of(two).unlink()
    cleanup.remove_leftovers(two)
    assert release.current(two) is None
    assert release.publish(two, SECOND).status == "published"


def test_what_is_no_release_is_left_where_it_is(two: Settings) -> None:
    for name in ("lost+found", "my notes", f"{SECOND_ID}.bak"):
        (two.releases / name).mkdir()
    cleanup.remove_leftovers(two)
    assert [one.release_id for one in release.list_releases(two)] == [SECOND_ID, FIRST_ID]
    assert (two.releases / "lost+found").is_dir()


def test_damage_of_the_same_release_again_keeps_what_was_set_aside_before(two: Settings) -> None:
    for _ in range(2):
        flip("registry.duckdb")(two.releases / SECOND_ID)
        cleanup.remove_leftovers(two)
        release.publish(two, SECOND)
    assert {path.name for path in two.releases.glob(".damaged-*")} == {
        f".damaged-{SECOND_ID}",
        f".damaged-{SECOND_ID}-2",
    }


@pytest.mark.parametrize("name", ["manifest.json", "SHA256SUMS", "parquet/fct_anc.parquet"])
def test_a_file_that_this_user_may_not_read_is_no_damage(
    two: Settings, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    unreadable = two.releases / SECOND_ID / name
    opened = Path.open

    def refusing(path: Path, *arguments: object, **options: object) -> object:
        if path == unreadable:
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *arguments, **options)  # type: ignore[arg-type, call-overload]

    monkeypatch.setattr(Path, "open", refusing)
    with pytest.raises(UserError, match=f"{name}: Permission denied; make the release's files readable"):
        cleanup.remove_leftovers(two)
    assert (two.releases / "current").readlink().name == SECOND_ID
    assert list(two.releases.glob(".damaged-*")) == []


def test_figures_of_a_damaged_release_are_no_fault_of_the_program(two: Settings) -> None:
    found = release.current(two)
    assert found is not None
    tear("registry.duckdb", 5000)(found.path)
    with pytest.raises(UserError, match=r"registry.duckdb can't be read"):
        figures(found)


WITHOUT_CHECKS = '{"release_id": "x", "fingerprint": "y", "created_at": "z", "tables": {}, "study": {}}'
NO_LISTS = json.dumps(dict.fromkeys(("release_id", "fingerprint", "created_at", "tables", "study", "checks"), "x"))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"release_id": "x"}', WITHOUT_CHECKS, NO_LISTS])
def test_a_torn_manifest_is_named(text: str, two: Settings) -> None:
    (two.releases / SECOND_ID / "manifest.json").write_text(text)
    for ask in (release.current, release.list_releases, lambda s: release.publish(s, "c3" * 32)):
        with pytest.raises(UserError, match=f"release {SECOND_ID}: its manifest.json can't be read"):
            ask(two)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"release_id": "x"}'])
class TestTornRecords:
    """What stands beside the releases and is torn: no refresh stops for it, and nothing is decided by it."""

    def test_the_gates_last_word_counts_as_none_until_it_is_written_again(self, two: Settings, text: str) -> None:
        gate_record.path_of(two).write_text(text)
        assert release.last_decision(two) is None
        assert run(two, "status").exit_code == 0
        assert release.publish(two, SECOND).status == "confirmed"
        assert release.last_decision(two) is not None

    def test_a_pin_is_made_out_from_the_releases_and_written_again(self, two: Settings, text: str) -> None:
        release.rollback(two, FIRST_ID)
        path = two.releases / ".pinned.json"
        before = path.read_text()
        path.write_text(text)
        assert "pinned" in run(two, "releases", "list").output
        assert release.is_current_for(two, SECOND), "the rollback holds"
        cleanup.remove_leftovers(two)
        assert path.read_text() == before
        assert run(two, "releases", "rollback", SECOND_ID).exit_code == 0
        assert not path.exists()

    def test_a_pin_that_holds_nothing_is_cleared_away(self, two: Settings, text: str) -> None:
        (two.releases / ".pinned.json").write_text(text)
        assert release.pinned(two) is None
        cleanup.remove_leftovers(two)
        assert not (two.releases / ".pinned.json").exists()
