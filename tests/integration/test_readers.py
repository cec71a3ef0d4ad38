"""Who may read what: a colleague of the group reads releases and nothing else, whatever the umask of the service."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from integration.publishing import FIRST, FIRST_ID, SECOND_ID

from orchestration.instance import prepare_dagster_home
from registry import release
from registry.config.settings import Settings, load_settings
from registry.paths import CHECKOUT
from registry.release.gate_record import path_of
from registry.release.query import query
from registry.system import lock

READ = {
    "sql": (("sql", "select count(*) as n from fct_anc"), "560"),
    "gate": (("gate",), f"{SECOND_ID}: published"),
    "list": (("releases", "list"), SECOND_ID),
    "show": (("releases", "show", SECOND_ID), "published"),
    "diff": (("releases", "diff", FIRST_ID, SECOND_ID), "meta.input_file"),
    "verify": (("releases", "verify", SECOND_ID), "is unchanged"),
    "trace": (("trace", "EPISODE"), "the vault, which has their names, can't be read now"),
}
NEED_MORE = ("status", "quarantine", "doctor", "review", "check")

# Every command twice: as it is, so that all modules are loaded, then as a user who is in the home's group and nothing
# else. Where the tests are not run by root, that is this user, who has taken every right off vault and deliveries.
AS_COLLEAGUE = """
import json, os, sys
from click.testing import CliRunner
from registry.cli.main import main

home, commands = sys.argv[1], json.loads(sys.argv[2])
def run():
    done = {name: CliRunner().invoke(main, [*command, "--home", home]) for name, command in commands.items()}
    return {name: (one.exit_code, one.output) for name, one in done.items()}
run()
if os.getuid() == 0:
    os.setgroups([])
    os.setgid(os.stat(home).st_gid)
    os.setuid(65534)
print(json.dumps(run()))
"""


@pytest.fixture(scope="module")
def answers(published: Path) -> dict[str, tuple[int, str]]:
    """What a colleague is told, by command: exit code and output."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    home = Path(shutil.copytree(published, folder / "home", symlinks=True))
    home.chmod(0o750)
    (home / "deliveries").mkdir()
    (home / "deliveries" / "registry.yml").write_text("study_id: secret\n")
    (home / "vault").mkdir()
    (home / "vault" / "raw.duckdb").write_bytes(b"rows")
    episode = query(load_settings(home=home), "SELECT min(episode_id) FROM fct_neutropenia_episode")[1][0][0]
    commands = {name: [part.replace("EPISODE", episode) for part in command] for name, (command, _) in READ.items()}
    for private in ("deliveries", "vault"):
        (home / private).chmod(0)
    done = subprocess.run(
        [sys.executable, "-c", AS_COLLEAGUE, home, json.dumps(commands | {name: [name] for name in NEED_MORE})],
        cwd=CHECKOUT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    for private in ("deliveries", "vault"):
        (home / private).chmod(0o700)
    shutil.rmtree(folder)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", READ)
def test_releases_are_read_without_access_to_deliveries_and_vault(
    answers: dict[str, tuple[int, str]], name: str
) -> None:
    exit_code, output = answers[name]
    assert (exit_code, READ[name][1] in output) == (0, True), output


@pytest.mark.parametrize("name", NEED_MORE)
def test_what_needs_more_says_so_in_a_line(answers: dict[str, tuple[int, str]], name: str) -> None:
    exit_code, output = answers[name]
    assert exit_code == 2, output
    (line,) = output.splitlines()
    assert "Permission denied; check that this user may read and write there" in line


@pytest.fixture(params=[0o077, 0o022, 0o000], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    """That of the service, that of most shells, and none."""
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.usefixtures("umask", "open_gate")
def test_the_group_reads_releases_and_the_gates_word_alone_whatever_the_umask(settings: Settings) -> None:
    outcome = release.publish(settings, FIRST)
    assert outcome.path is not None
    for shared in (settings.releases, outcome.path, path_of(settings).parent):
        assert mode(shared) == 0o750, shared
    assert mode(path_of(settings)) == 0o640
    assert {mode(path) for path in outcome.path.rglob("*") if path.is_file()} == {0o440}


@pytest.mark.usefixtures("umask")
def test_a_new_home_is_closed_to_others_and_dagsters_folder_to_the_group_too(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "")
    settings.home.joinpath("warehouse.duckdb").unlink()
    settings.home.rmdir()
    lock.acquire(settings, "a test")
    lock.release(settings)
    assert mode(settings.home) == 0o750
    settings.dagster_home.mkdir(mode=0o777)
    assert mode(prepare_dagster_home(settings)) == 0o700


def test_a_folder_that_its_owner_opened_otherwise_stays_so(settings: Settings, open_gate: None, umask: int) -> None:
    settings.releases.mkdir()
    settings.releases.chmod(0o2755)
    release.publish(settings, FIRST)
    assert mode(settings.releases) == 0o2755
