"""Releases that are kept: gone back to, checked byte for byte, removed by number."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner, Result
from integration.publishing import FIRST, NEW_MONTH, SECOND, state
from integration.synthetic_warehouse import alter

from expectations import Audit
from registry import release
from registry.cli.main import main
from registry.config.settings import Settings, load_settings
from registry.errors import UserError
from registry.release import pin, publication, retention
from registry.system import lock

THIRD = "c3" * 32


def run(settings: Settings, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["releases", *arguments, "--home", str(settings.home)])


@pytest.fixture
def two(settings: Settings, open_gate: None) -> tuple[str, str]:
    """The ids of two releases, the second in force."""
    first = release.publish(settings, FIRST)
    alter(settings.warehouse, *NEW_MONTH)
    return first.release_id, release.publish(settings, SECOND).release_id


def in_force(settings: Settings) -> str:
    found = release.current(settings)
    assert found is not None
    return found.release_id


def test_a_rollback_holds_until_the_inputs_change(settings: Settings, open_gate: None) -> None:
    first = release.publish(settings, FIRST)
    alter(settings.warehouse, *NEW_MONTH)
    second = release.publish(settings, SECOND)
    assert release.is_current_for(settings, SECOND)

    assert release.rollback(settings, first.release_id).release_id == first.release_id
    assert release.is_current_for(settings, SECOND)
    same_inputs = release.publish(settings, SECOND)
    assert (same_inputs.status, same_inputs.release_id) == ("confirmed", first.release_id)

    alter(settings.warehouse, "UPDATE main.mart_sensitivity SET n_recurrent = 1")
    third = release.publish(settings, "c3" * 32)
    assert third.status == "published"
    assert not release.is_current_for(settings, SECOND)
    assert release.is_current_for(settings, "c3" * 32)
    assert second.release_id in {r.release_id for r in release.list_releases(settings)}


def test_a_rollback_is_over_once_the_inputs_are_those_of_the_release_gone_back_to(
    settings: Settings, open_gate: None
) -> None:
    first = release.publish(settings, FIRST)
    alter(settings.warehouse, *NEW_MONTH)
    second = release.publish(settings, SECOND)
    release.rollback(settings, first.release_id)
    release.lift_if_over(settings, SECOND)
    assert release.is_current_for(settings, SECOND)
    release.lift_if_over(settings, FIRST)
    assert release.is_current_for(settings, FIRST)
    assert release.publish(settings, SECOND).release_id == release.current_id(settings) == second.release_id


def test_rolling_forward_again_lifts_the_pin(settings: Settings, open_gate: None) -> None:
    first = release.publish(settings, FIRST)
    alter(settings.warehouse, *NEW_MONTH)
    second = release.publish(settings, SECOND)
    before = state(settings.releases)
    release.rollback(settings, first.release_id)
    release.rollback(settings, second.release_id)
    assert state(settings.releases) == before
    with pytest.raises(UserError, match="no release 1999"):
        release.rollback(settings, "1999-01-0000000000")


def test_the_command_pins_and_says_so(settings: Settings, two: tuple[str, str]) -> None:
    first, second = two
    done = run(settings, "rollback", first)
    assert done.exit_code == 0
    assert f"current release: {first}, no longer {second}" in done.output
    assert "it is pinned" in done.output
    assert "pinned" in run(settings, "list").output
    assert "nothing changed" in run(settings, "rollback", first).output
    assert "pinned" not in run(settings, "rollback", second).output
    assert run(settings, "rollback", "1999-01-0000000000").exit_code == 2


def test_no_rollback_while_a_refresh_is_under_way(
    settings: Settings, two: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def held(*_: object, **__: object) -> None:
        raise UserError("another refresh is running")

    monkeypatch.setattr(lock, "acquire", held)
    assert run(settings, "rollback", two[0]).exit_code == 2
    assert in_force(settings) == two[1]


def test_no_rollback_to_a_damaged_release(settings: Settings, two: tuple[str, str]) -> None:
    before = state(settings.releases)
    manifest = settings.releases / two[0] / "data_dictionary.md"
    manifest.chmod(0o600)
    manifest.write_text("mine")
    with pytest.raises(UserError, match="was modified after publication"):
        release.rollback(settings, two[0])
    assert in_force(settings) == two[1]
    assert before.keys() == state(settings.releases).keys()


def kill(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("step", ["point_current", "unpin"])
@pytest.mark.parametrize("back", [True, False], ids=["back", "forward"])
def test_a_rollback_killed_between_its_steps_leaves_the_old_state_or_the_new(
    step: str, back: bool, settings: Settings, two: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = two
    if not back:
        release.rollback(settings, first)
    target = first if back else second
    with monkeypatch.context() as patch:
        patch.setattr(pin, step, kill)
        if back and step == "unpin":
            release.rollback(settings, target)
        else:
            with pytest.raises(KeyboardInterrupt):
                release.rollback(settings, target)
    found = in_force(settings)
    assert (release.pinned(settings) is not None) == (found == first), "the pin holds just while it is in force"
    assert release.is_current_for(settings, SECOND), "a refresh of the same inputs has nothing to do"
    again = release.rollback(settings, target)
    assert again.release_id == target == in_force(settings)
    alter(settings.warehouse, "UPDATE main.mart_sensitivity SET n_recurrent = 1")
    third = release.publish(settings, THIRD)
    assert in_force(settings) == third.release_id
    assert release.pinned(settings) is None
    assert not list(settings.releases.glob(".pinned*"))


def test_a_refresh_killed_before_it_lifts_the_pin_has_published(
    settings: Settings, two: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    release.rollback(settings, two[0])
    alter(settings.warehouse, "UPDATE main.mart_sensitivity SET n_recurrent = 1")
    with monkeypatch.context() as patch:
        patch.setattr(publication, "unpin", kill)
        with pytest.raises(KeyboardInterrupt):
            release.publish(settings, THIRD)
    assert release.pinned(settings) is None
    assert in_force(settings).endswith(THIRD[:10])
    assert not release.is_current_for(settings, SECOND)


def test_verify_finds_what_was_changed_added_or_removed(settings: Settings, open_gate: None) -> None:
    folder = release.publish(settings, FIRST).path
    assert folder is not None
    (folder / "parquet" / "dim_drug.parquet").unlink()
    (folder / "notes.txt").write_text("mine")
    (folder / "manifest.json").chmod(0o600)
    (folder / "manifest.json").write_text("{}")
    assert release.verify(folder) == ["manifest.json", "notes.txt", "parquet/dim_drug.parquet"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "manifest.json").write_bytes((folder / "manifest.json").read_bytes()[:-1]),
        lambda folder: (folder / "SHA256SUMS").write_bytes((folder / "SHA256SUMS").read_bytes() + b"\n"),
        lambda folder: (folder / "SHA256SUMS").write_bytes((folder / "SHA256SUMS").read_bytes().upper()),
        lambda folder: (folder / "parquet" / "dim_drug.parquet").unlink(),
        lambda folder: (folder / "parquet" / "mine.txt").touch(),
        lambda folder: (folder / "parquet" / "SHA256SUMS").touch(),
        lambda folder: (folder / "link").symlink_to("manifest.json"),
        lambda folder: (folder / "empty").mkdir(),
    ],
    ids=[
        "a byte less",
        "sums longer",
        "sums in capitals",
        "missing",
        "additional",
        "other sums",
        "link",
        "empty folder",
    ],
)
def test_the_command_finds_any_change(damage: Callable[[Path], object], settings: Settings, open_gate: None) -> None:
    release_id = release.publish(settings, FIRST).release_id
    folder = settings.releases / release_id
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=folder, check=True)
    assert run(settings, "verify", release_id).exit_code == 0
    for name in ("manifest.json", "SHA256SUMS"):
        (folder / name).chmod(0o600)
    damage(folder)
    done = run(settings, "verify", release_id)
    assert done.exit_code == 3
    assert "was modified after publication" in done.output


def test_any_flipped_bit_is_found(settings: Settings, open_gate: None) -> None:
    folder = release.publish(settings, FIRST).path
    assert folder is not None
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = path.read_bytes()
        path.chmod(0o600)
        for place in (0, len(content) // 2, len(content) - 1):
            path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
            assert release.verify(folder), (path.name, place)
        path.write_bytes(content)
    assert release.verify(folder) == []


def publish_numbered(settings: Settings, number: int) -> str:
    """Publish a build that differs in one number."""
    alter(settings.warehouse, f"UPDATE main.mart_sensitivity SET n_recurrent = {number}")
    return release.publish(settings, f"{number:x}" * 64).release_id


@pytest.fixture(scope="module")
def four(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with four releases; to be copied."""
    home = tmp_path_factory.mktemp("four")
    shutil.copy(built, home / "warehouse.duckdb")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(publication, "audit", lambda *_, **__: Audit(()))
        for number in range(1, 5):
            publish_numbered(load_settings(home=home), number)
    return home


class TestRetention:
    """`keep_releases`: the oldest go, never one that is needed."""

    def kept(self, settings: Settings) -> set[str]:
        return {found.release_id for found in release.list_releases(settings)}

    def keeping(self, settings: Settings, number: int | None) -> Settings:
        return dataclasses.replace(settings, study=settings.study.model_copy(update={"keep_releases": number}))

    @pytest.fixture
    def ids(self, four: Path, settings: Settings, open_gate: None, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        shutil.copytree(four, settings.home, symlinks=True, dirs_exist_ok=True)
        ids = sorted(self.kept(settings), key=lambda release_id: release_id[-1])
        # published within one second, here: in order all the same
        order = {release_id: place for place, release_id in enumerate(ids)}
        listed = retention.list_releases
        monkeypatch.setattr(
            retention, "list_releases", lambda s: sorted(listed(s), key=lambda r: -order.get(r.release_id, 99))
        )
        return ids

    def test_all_are_kept_unless_the_study_says_a_number(self, settings: Settings, ids: list[str]) -> None:
        assert release.remove_old(settings) == []
        assert self.kept(settings) == set(ids)

    def test_the_oldest_go_and_the_one_in_force_and_the_one_it_was_compared_with_stay(
        self, settings: Settings, ids: list[str]
    ) -> None:
        assert release.remove_old(self.keeping(settings, 1)) == [ids[0], ids[1]]
        assert self.kept(settings) == {ids[3], ids[2]}
        assert release.publish(settings, "4" * 64).status == "confirmed"

    def test_what_a_rollback_points_to_and_left_behind_stays(self, settings: Settings, ids: list[str]) -> None:
        release.rollback(settings, ids[0])
        release.remove_old(self.keeping(settings, 1))
        assert self.kept(settings) == {ids[0], ids[3]}
        assert in_force(settings) == ids[0]
        assert release.rollback(settings, ids[3]).release_id == ids[3]

    def test_publishing_removes_and_a_reader_goes_on_reading(self, settings: Settings, ids: list[str]) -> None:
        path = settings.releases / ids[0] / "registry.duckdb"
        with duckdb.connect(str(path), read_only=True) as reader:
            publish_numbered(self.keeping(settings, 2), 5)
            assert not path.exists()
            assert reader.execute("SELECT count(*) FROM fct_anc").fetchone() == (560,)

    def test_a_removal_that_was_killed_is_no_release_and_is_swept(
        self, settings: Settings, ids: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(retention.shutil, "rmtree", kill)
            with pytest.raises(KeyboardInterrupt):
                release.remove_old(self.keeping(settings, 2))
        assert self.kept(settings) == set(ids[1:])
        publish_numbered(settings, 5)
        assert not list(settings.releases.glob(".removed*"))

    def test_a_release_that_cannot_be_read_is_left_alone_with_all_others(
        self, settings: Settings, ids: list[str]
    ) -> None:
        manifest = settings.releases / ids[1] / "manifest.json"
        manifest.chmod(0o600)
        manifest.write_text("{")
        assert release.remove_old(self.keeping(settings, 1)) == []
        assert (settings.releases / ids[0]).is_dir()
