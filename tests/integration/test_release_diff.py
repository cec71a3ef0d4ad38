"""What differs between two releases and why, on four patients worked out by hand; and the public part of one."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner
from integration.compiled_project import compiled_project

from expectations import Audit
from registry import release
from registry.cli.main import main
from registry.config.settings import Settings, load_settings
from registry.refresh import cleanup
from registry.release import manifest, publication
from registry.release.diff.compare import Difference, diff
from registry.release.query import query
from registry.statistics import write_statistics

LAB = "result_id,patient_id,test_code,value,unit,collected_at\n"
FIRST = {
    "2024-06/patients.csv": "patient_id,birth_date,sex\nP1,1980,F\nP2,1981,F\nP3,1982,M\nP4,1983,F\n",
    "2024-06/administrations.csv": "administration_id,patient_id,drug,administered_on\n"
    + "".join(f"{n},P{n},ocrelizumab,2024-01-10\n" for n in range(1, 5)),
    # P1 none yet; P2 and P3 an episode; P4 one that begins on 1 May
    "2024-06/lab_results.csv": LAB
    + "11,P1,751-8,3.1,10*9/L,2024-05-01\n"
    + "21,P2,751-8,0.8,10*9/L,2024-05-01\n22,P2,751-8,2.1,10*9/L,2024-05-20\n"
    + "31,P3,751-8,0.8,10*9/L,2024-05-01\n32,P3,751-8,2.1,10*9/L,2024-05-20\n"
    + "41,P4,751-8,0.8,10*9/L,2024-05-01\n42,P4,751-8,2.1,10*9/L,2024-05-20\n",
}
# P1's episode comes; P2's was a slip of the pen; P3 is as before; P4's began earlier, which was sent late
SECOND = {
    "2024-07/lab_results.csv": LAB
    + "12,P1,751-8,0.4,10*9/L,2024-06-20\n"
    + "21,P2,751-8,8.0,10*9/L,2024-05-01\n"
    + "43,P4,751-8,0.9,10*9/L,2024-04-20\n",
}
PRIMARY = "udine_2025"


def deliver(home: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = home / "deliveries" / "site" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def publish(home: Path, fingerprint: str) -> tuple[Settings, str]:
    settings = compiled_project().build(home)
    write_statistics(settings)
    return settings, release.publish(settings, fingerprint * 64).release_id


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def releases(home: Path) -> dict[str, str]:
    """Five releases, each of which differs from the one before in one way."""
    ids = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(publication, "audit", lambda *_, **__: Audit(()))
        deliver(home, FIRST)
        ids["first"] = publish(home, "1")[1]
        deliver(home, SECOND)
        ids["data"] = publish(home, "2")[1]
        (home / "deliveries" / "registry.yml").write_text(
            "definitions: [{definition_id: udine_2025, onset_below: 0.45}]\n"
        )
        ids["definition"] = publish(home, "3")[1]
        settings, _ = publish(home, "4")
        patch.setattr(manifest, "code_hash", lambda: "other code")
        with duckdb.connect(str(settings.warehouse)) as connection:
            connection.execute("UPDATE main.fct_neutropenia_episode SET febrile = true")
        ids["code"] = release.publish(settings, "5" * 64).release_id
    return ids


def compare(home: Path, before: str, after: str) -> tuple[Difference, dict[str, str]]:
    """The difference, and each patient of the first release by pseudonym: told apart by year of birth."""
    settings = load_settings(home=home)
    born = query(settings, "SELECT patient_key, 'P' || (birth_year - 1979) FROM dim_patient")[1]
    return diff(settings, release.load(settings, before), release.load(settings, after)), dict(born)


def test_new_data_and_corrections_are_told_apart(home: Path, releases: dict[str, str]) -> None:
    found, patients = compare(home, releases["first"], releases["data"])
    told = {patients[e.patient_key]: e for e in found.episodes if e.definition_id == PRIMARY}
    assert {patient: (e.status, e.reasons) for patient, e in told.items()} == {
        "P1": ("appeared", ("new_data",)),
        "P2": ("vanished", ("correction", "new_data")),
        "P4": ("changed", ("new_data",)),
    }
    assert "counts: 0 new, 1 altered, 0 gone" in told["P2"].evidence
    assert "onset_date" in told["P4"].columns
    changes = {(c.kind, c.change) for c in found.manifest}
    assert ("input file", "new, 3 rows") in changes
    assert any(c.kind == "table" and c.name == "main.fct_anc" and c.change == "rows 7 → 9" for c in found.manifest)


def test_a_definition_that_means_something_else_is_the_reason(home: Path, releases: dict[str, str]) -> None:
    found, patients = compare(home, releases["data"], releases["definition"])
    assert {(patients[e.patient_key], e.status, e.reasons) for e in found.episodes} == {
        ("P3", "vanished", ("definition",)),
        ("P4", "vanished", ("definition",)),
    }
    assert {e.definition_id for e in found.episodes} == {PRIMARY}
    assert ("definition", PRIMARY) in {(c.kind, c.name) for c in found.manifest}


def test_what_no_row_explains_is_the_code_where_that_differs(home: Path, releases: dict[str, str]) -> None:
    found, _ = compare(home, releases["definition"], releases["code"])
    assert {(e.status, e.columns, e.reasons) for e in found.episodes} == {("changed", ("febrile",), ("code",))}
    assert "code" in {c.kind for c in found.manifest}


def test_a_table_of_as_many_rows_says_that_its_content_changed(home: Path, releases: dict[str, str]) -> None:
    found, _ = compare(home, releases["definition"], releases["code"])
    told = {c.name: c.change for c in found.manifest if c.kind == "table"}
    n_rows = query(load_settings(home=home), "SELECT count(*) FROM fct_neutropenia_episode", releases["code"])[1][0][0]
    assert told["main.fct_neutropenia_episode"] == f"{n_rows} rows as before, changed content"


def test_a_release_does_not_differ_from_itself(home: Path, releases: dict[str, str]) -> None:
    found, _ = compare(home, releases["data"], releases["data"])
    assert (found.episodes, found.manifest) == ((), ())


def test_the_command_counts_and_names_pseudonyms(home: Path, releases: dict[str, str]) -> None:
    arguments = ["releases", "diff", releases["first"], releases["data"], "--home", str(home)]
    shown = CliRunner().invoke(main, arguments)
    assert shown.exit_code == 0
    assert "appeared" in shown.output
    rows = json.loads(CliRunner().invoke(main, [*arguments, "--format", "json"]).output)
    assert {"patient_key", "reasons", "evidence"} <= rows[0].keys()


def test_the_public_part_of_four_patients_says_nothing(home: Path, releases: dict[str, str], tmp_path: Path) -> None:
    out = tmp_path / "public"
    arguments = ["releases", "public", releases["data"], "--home", str(home), "--out", str(out)]
    assert CliRunner().invoke(main, arguments).exit_code == 0
    names = {path.name for path in out.iterdir()}
    assert names == {"incidence.csv", "cohort.csv", "cases.csv", "public.json", "README.txt", "SHA256SUMS"}
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=out, check=True)
    with (out / "incidence.csv").open() as stream:
        (row,) = csv.DictReader(stream)
    assert row.pop("stratum") == "all drugs"
    assert set(row.values()) == {""}
    about = json.loads((out / "public.json").read_text())
    assert about["data_through"] == "2024-Q3"
    text = "".join(path.read_text() for path in out.iterdir())
    assert "2024-0" not in text, "no month, not even in an id"
    assert CliRunner().invoke(main, arguments).exit_code == 2


@pytest.mark.parametrize(
    "place", ["releases", "releases/{release}", "vault", "vault/tmp/x", "deliveries/site", "link/x"]
)
def test_the_public_part_is_never_written_among_what_identifies_or_is_sealed(
    home: Path, releases: dict[str, str], place: str, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(home / "vault")
    folder = tmp_path if place.startswith("link") else home
    out = folder / place.format(release=releases["data"]) / "public"
    done = CliRunner().invoke(main, ["releases", "public", releases["data"], "--home", str(home), "--out", str(out)])
    assert done.exit_code == 2
    assert "name another folder with --out" in done.output
    assert not out.exists()


def test_what_a_killed_public_left_is_swept_and_one_at_work_is_not(home: Path, releases: dict[str, str]) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    left, at_work = (home / "public" / f".public-{pid}-c0ffee" for pid in (ended.pid, os.getpid()))
    for folder in (left, at_work):
        folder.mkdir(parents=True)
        (folder / "cases.csv").write_text("half")
    cleanup.remove_leftovers(load_settings(home=home))
    assert (left.exists(), at_work.exists()) == (False, True)
    shutil.rmtree(home / "public")
