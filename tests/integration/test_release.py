"""Releases: whole or not at all, the previous one untouched, and a way back."""

from __future__ import annotations

import dataclasses
import errno
import json
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from integration.publishing import BROKEN, FIRST, NEW_MONTH, SECOND, state
from integration.synthetic_warehouse import REPORTABLE, alter

from expectations import Audit, audit
from expectations.catalogue import queried
from registry import release
from registry.config.settings import Settings
from registry.errors import UserError
from registry.release import candidate, files, publication
from registry.release.content import contents
from registry.release.dictionary import described, markdown
from registry.release.query import query


def test_a_retracted_month_moves_neither_the_name_nor_the_cut_off(settings: Settings, open_gate: None) -> None:
    alter(settings.warehouse, "UPDATE meta.input_file SET is_retracted = true WHERE delivery = '2024-03'")
    outcome = release.publish(settings, FIRST)
    assert outcome.release_id.startswith("2024-02-")
    manifest = json.loads((settings.releases / outcome.release_id / "manifest.json").read_text())
    assert manifest["cutoffs"] == {"trieste": "2024-02-29", "udine": "2024-02-29"}
    assert {file["delivery"] for file in manifest["inputs"] if file.get("is_retracted")} == {"2024-03"}


def test_a_release_is_whole(settings: Settings) -> None:
    outcome = release.publish(settings, FIRST)
    assert outcome.status == "published"
    assert outcome.release_id == "2024-03-a1a1a1a1a1"
    folder = settings.releases / outcome.release_id
    assert outcome.path == folder
    assert (settings.releases / "current").readlink() == Path(outcome.release_id)
    assert {path.name for path in settings.releases.iterdir()} == {outcome.release_id, "current"}
    assert {path.name for path in folder.iterdir()} == {
        "registry.duckdb",
        "parquet",
        "manifest.json",
        "data_dictionary.md",
        "SHA256SUMS",
    }
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=folder, check=True)
    assert release.verify(folder) == []
    assert all(path.stat().st_mode & 0o222 == 0 for path in folder.rglob("*") if path.is_file())

    found = release.current(settings)
    assert found is not None
    manifest = found.manifest
    assert manifest["synthetic"] is True
    assert manifest["study"]["study_id"] == "udine"
    assert manifest["cutoffs"] == {"trieste": "2024-03-15", "udine": "2024-03-15"}
    assert manifest["previous_release_id"] is None
    assert len(manifest["inputs"]) == 30
    assert manifest["inputs"][0].keys() == {"file_id", "site", "delivery", "entity", "sha256", "rows", "is_current"}
    assert manifest["tables"]["main.fct_anc"]["rows"] == 560
    assert set(manifest["definitions"]) == {"udine_2025", "udine_2025_inclusive", "any_grade", "severe_only"}
    assert set(manifest["grading_scales"]) >= {"udine_2025", "ctcae_v5", "ctcae_v6", "daids_2_1"}
    assert all(check["passed"] for check in manifest["checks"])

    with duckdb.connect(str(found.database), read_only=True) as connection:
        for name, table in manifest["tables"].items():
            rows = connection.execute(f"SELECT * FROM {name} ORDER BY ALL").fetchall()
            parquet = connection.execute(f"SELECT * FROM '{folder / table['parquet']}' ORDER BY ALL").fetchall()
            assert rows == parquet, name
            assert len(rows) == table["rows"]
        assert connection.execute("SELECT release_id, is_synthetic FROM meta.release").fetchall() == [
            (outcome.release_id, True)
        ]
        checked = connection.execute("SELECT count(*) FROM meta.check_result").fetchone()
        assert checked == (len(manifest["checks"]),)
        assert connection.execute("SELECT DISTINCT schema_name FROM duckdb_tables()").fetchall()
        storage = connection.execute("SELECT tags['storage_version'] FROM duckdb_databases() WHERE NOT internal")
        assert storage.fetchall()[0][0].startswith("v1.4")


def test_a_refused_candidate_leaves_the_previous_release_untouched(settings: Settings, small_gate: None) -> None:
    release.publish(settings, FIRST)
    before = state(settings.releases)
    alter(settings.warehouse, *NEW_MONTH, BROKEN)
    with pytest.raises(release.GateRefused, match=r"anc_possible on main\.fct_anc: 560 of 560 rows") as refused:
        release.publish(settings, SECOND)
    assert state(settings.releases) == before
    assert not refused.value.audit.passed
    decision = release.last_decision(settings)
    assert decision is not None
    assert (decision.status, decision.release_id) == ("refused", "2024-04-b2b2b2b2b2")
    assert decision.audit == refused.value.audit


def test_a_first_candidate_that_is_refused_leaves_nothing(settings: Settings, small_gate: None) -> None:
    alter(settings.warehouse, BROKEN)
    with pytest.raises(release.GateRefused):
        release.publish(settings, FIRST)
    assert list(settings.releases.iterdir()) == []
    assert release.current(settings) is None


def test_what_is_published_is_what_was_audited(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The build file changes while the gate is at work: the release does not."""

    def audit_while_the_build_goes_on(*_, **__) -> Audit:
        alter(settings.warehouse, BROKEN)
        return Audit(())

    monkeypatch.setattr(publication, "audit", audit_while_the_build_goes_on)
    release.publish(settings, FIRST)
    assert query(settings, "SELECT max(anc_10e9_l) < 10 FROM fct_anc")[1] == [(True,)]


def test_there_is_no_way_round_the_gate() -> None:
    parameters = set(publication.publish.__annotations__) - {"return"}
    assert parameters == {"settings", "fingerprint", "finish"}


def test_the_same_inputs_again_are_confirmed_and_nothing_is_rewritten(settings: Settings, open_gate: None) -> None:
    first = release.publish(settings, FIRST)
    before = state(settings.releases)
    again = release.publish(settings, FIRST)
    assert (again.status, again.release_id) == ("confirmed", first.release_id)
    assert state(settings.releases) == before
    decision = release.last_decision(settings)
    assert decision is not None
    assert decision.status == "confirmed"


def test_the_same_inputs_with_other_content_are_refused(settings: Settings, open_gate: None) -> None:
    release.publish(settings, FIRST)
    before = state(settings.releases)
    alter(settings.warehouse, "UPDATE main.mart_sensitivity SET n_recurrent = 1")
    with pytest.raises(release.GateRefused) as refused:
        release.publish(settings, FIRST)
    (result,) = refused.value.audit.blocking
    assert result.check_id == "same_inputs_same_content"
    assert result.detail == "differs from 2024-03-a1a1a1a1a1: main.mart_sensitivity"
    assert state(settings.releases) == before


def test_a_confirmed_release_is_judged_as_it_was(settings: Settings, small_gate: None) -> None:
    """Confirmed against the release it followed, not against itself: a warning does not go away by asking twice."""
    release.publish(settings, FIRST)
    alter(
        settings.warehouse,
        *NEW_MONTH,
        "UPDATE main.fct_anc SET anc_10e9_l = 0.2, severity = 'severe', ctcae_v5_grade = '4', ctcae_v6_grade = '3', "
        "daids_2_1_grade = '4' WHERE site = 'trieste' AND collected_on >= DATE '2024-02-01'",
    )
    warned = release.publish(settings, SECOND)
    confirmed = release.publish(settings, SECOND)
    assert [r.check_id for r in warned.audit.warnings] == ["site_median_anc_moved"]
    assert confirmed.status == "confirmed"
    # but for the check that there is now a release with these inputs to compare with
    assert confirmed.audit.checks[:-1] == warned.audit.checks[:-1]


def test_inputs_that_go_back_bring_the_old_release_back(settings: Settings, built: Path, open_gate: None) -> None:
    first = release.publish(settings, FIRST)
    alter(settings.warehouse, *NEW_MONTH)
    second = release.publish(settings, SECOND)
    found = release.current(settings)
    assert found is not None
    assert found.manifest["previous_release_id"] == first.release_id
    before = state(settings.releases / first.release_id)

    shutil.copy(built, settings.warehouse)
    third = release.publish(settings, FIRST)
    assert (third.status, third.release_id) == ("published", first.release_id)
    assert state(settings.releases / first.release_id) == before
    assert {r.release_id for r in release.list_releases(settings)} == {first.release_id, second.release_id}


def test_readers_of_the_old_release_are_not_disturbed(settings: Settings, open_gate: None) -> None:
    release.publish(settings, FIRST)
    path = str(settings.releases / "current" / "registry.duckdb")
    with duckdb.connect(path, read_only=True) as reader:
        alter(settings.warehouse, *NEW_MONTH)
        release.publish(settings, SECOND)
        assert reader.execute("SELECT max(delivery) FROM meta.input_file").fetchone() == ("2024-03",)
        with duckdb.connect(path, read_only=True) as later:
            assert later.execute("SELECT max(delivery) FROM meta.input_file").fetchone() == ("2024-04",)


@pytest.mark.parametrize("step", ["write_parquet", "write_checksums", "seal"])
def test_a_crash_half_way_leaves_the_previous_release(
    step: str, settings: Settings, open_gate: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    release.publish(settings, FIRST)
    before = state(settings.releases)
    alter(settings.warehouse, *NEW_MONTH)

    def crash(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files, step, crash)
    with pytest.raises(UserError, match="can't be written: No space left on device; free up space"):
        release.publish(settings, SECOND)
    assert state(settings.releases) == before


def test_what_a_killed_process_left_is_swept(settings: Settings, open_gate: None) -> None:
    left = settings.releases / f"{candidate.PREFIX}deadbeef"
    left.mkdir(parents=True)
    (left / "registry.duckdb").write_bytes(b"half a file")
    (settings.releases / ".current-deadbeef").symlink_to("nowhere")
    outcome = release.publish(settings, FIRST)
    assert {path.name for path in settings.releases.iterdir()} == {outcome.release_id, "current"}
    assert [r.release_id for r in release.list_releases(settings)] == [outcome.release_id]


def test_a_kill_between_writing_and_switching_is_made_good_by_the_next_refresh(
    settings: Settings, open_gate: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = release.publish(settings, FIRST)
    alter(settings.warehouse, *NEW_MONTH)
    with monkeypatch.context() as patch:
        patch.setattr(publication, "point_current", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            release.publish(settings, SECOND)
    in_force = release.current(settings)
    assert in_force is not None
    assert in_force.release_id == first.release_id
    again = release.publish(settings, SECOND)
    assert again.status == "published"
    assert release.verify(settings.releases / again.release_id) == []


NEW_CASES = "SELECT count(*), bool_and(is_first_release), min(known_as) FROM mart_new_cases"
PRIMARY = "definition_id = 'udine_2025'"


def nth_case(number: int) -> str:
    """SQL that picks the n-th patient with an episode."""
    return f"(SELECT DISTINCT patient_key FROM main.fct_neutropenia_episode ORDER BY ALL LIMIT 1 OFFSET {number})"


def test_every_severe_case_of_a_first_release_is_new_and_none_of_the_next(settings: Settings, small_gate: None) -> None:
    first = release.publish(settings, FIRST)
    assert query(settings, NEW_CASES)[1] == [(4, True, "unknown")]
    manifest = release.load(settings, first.release_id).manifest
    assert manifest["tables"]["main.mart_new_cases"]["content_hash"] is None
    alter(settings.warehouse, *NEW_MONTH)
    second = release.publish(settings, SECOND)
    assert query(settings, NEW_CASES)[1] == [(0, None, None)]
    assert second.audit.passed


def test_new_cases_are_told_with_what_was_known_of_them(settings: Settings, open_gate: None) -> None:
    episodes = "main.fct_neutropenia_episode"
    shutil.copy(settings.warehouse, settings.home / "as_it_is_now")
    alter(
        settings.warehouse,
        f"UPDATE {episodes} SET severity = 'moderate', ctcae_v5_grade = '3' "
        f"WHERE {PRIMARY} AND patient_key = {nth_case(0)}",
        f"UPDATE {episodes} SET is_case_episode = false WHERE {PRIMARY} AND patient_key = {nth_case(1)}",
        f"UPDATE {episodes} SET onset_date = onset_date + 3, episode_id = md5(episode_id) "
        f"WHERE {PRIMARY} AND patient_key = {nth_case(2)}",
        f"DELETE FROM {episodes} WHERE {PRIMARY} AND patient_key = {nth_case(3)}",
        REPORTABLE,
    )
    before = release.publish(settings, FIRST)
    shutil.move(settings.home / "as_it_is_now", settings.warehouse)
    alter(settings.warehouse, *NEW_MONTH)
    release.publish(settings, SECOND)
    told = query(settings, "SELECT known_as FROM mart_new_cases ORDER BY patient_key")[1]
    assert told == [("not_severe",), ("no_case_episode",), ("other_onset",), ("unknown",)]
    assert query(settings, "SELECT DISTINCT is_first_release, previous_release_id FROM mart_new_cases")[1] == [
        (False, before.release_id)
    ]


def test_a_case_that_may_be_severe_is_told_with_a_mark_and_again_once_it_is_certain(
    settings: Settings, open_gate: None
) -> None:
    as_it_is = settings.home / "as_it_is"
    shutil.copy(settings.warehouse, as_it_is)
    told = "SELECT possibly_severe, known_as FROM mart_new_cases ORDER BY patient_key"
    nadirs = ("0.7, nadir_operator = '<'", "0.5, nadir_operator = '<='", "0.5, nadir_operator = '<'", "0.4")
    for number, nadir in enumerate(nadirs):
        grade = "NULL" if number < 2 else "'4'"
        alter(
            settings.warehouse,
            f"UPDATE main.fct_neutropenia_episode SET nadir_anc_10e9_l = {nadir}, severity = NULL, "
            f"ctcae_v5_grade = {grade} WHERE {PRIMARY} AND patient_key = {nth_case(number)}",
            REPORTABLE,
        )
    as_bounds = settings.home / "as_bounds"
    shutil.copy(settings.warehouse, as_bounds)
    before = release.publish(settings, FIRST)
    assert query(settings, told)[1] == [(True, "unknown")] * 2 + [(False, "unknown")] * 2
    assert new_cases_pass(settings)

    shutil.copy(as_it_is, settings.warehouse)
    alter(settings.warehouse, *NEW_MONTH)
    after = release.publish(settings, SECOND)
    assert query(settings, told)[1] == [(False, "possibly_severe")] * 2
    assert new_cases_pass(settings, before.release_id)

    shutil.copy(as_bounds, settings.warehouse)
    release.publish(settings, "2" * 64)
    assert query(settings, told)[1] == [], "what was severe for certain has been told"
    assert new_cases_pass(settings, after.release_id)


def new_cases_pass(settings: Settings, previous: str | None = None) -> bool:
    """Does the gate let the table of new cases of the release in force pass, against the release before?"""
    checks = [check for check in queried() if check.table == "main.mart_new_cases"]
    in_force = release.current(settings)
    assert in_force
    against = settings.releases / previous / "registry.duckdb" if previous else None
    return audit(in_force.database, against, checks=checks).passed


def test_what_is_new_does_not_keep_a_release_from_coming_back(settings: Settings, small_gate: None) -> None:
    """It is told against another release then, and the gate has nothing against it."""
    first = release.publish(settings, FIRST)
    release.publish(settings, SECOND)
    assert query(settings, NEW_CASES)[1] == [(0, None, None)]
    again = release.publish(settings, FIRST)
    assert (again.status, again.release_id) == ("published", first.release_id)
    assert query(settings, NEW_CASES)[1] == [(4, True, "unknown")]
    assert release.publish(settings, FIRST).status == "confirmed"


def test_files_added_before_the_seal_are_part_of_the_release(settings: Settings, open_gate: None) -> None:
    def report(folder: Path) -> None:
        assert json.loads((folder / "manifest.json").read_text())["release_id"]
        (folder / "report.html").write_text("<html>")

    folder = release.publish(settings, FIRST, finish=report).path
    assert folder is not None
    assert "report.html" in (folder / "SHA256SUMS").read_text()


def test_content_hashes_see_every_change_and_no_order(built: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(built, tmp_path / "a.duckdb"))
    before = {name: table.content_hash for name, table in contents(path).items()}
    alter(path, "CREATE OR REPLACE TABLE main.fct_anc AS SELECT * FROM main.fct_anc ORDER BY hash(anc_key)")
    assert {name: table.content_hash for name, table in contents(path).items()} == before
    lowest = "(SELECT min(anc_key) FROM main.fct_anc)"
    for change in (
        f"UPDATE main.fct_anc SET anc_10e9_l = anc_10e9_l + 0.000001 WHERE anc_key = {lowest}",
        "INSERT INTO main.fct_anc SELECT * FROM main.fct_anc LIMIT 2",
        "ALTER TABLE main.fct_anc RENAME COLUMN derivation TO method",
    ):
        alter(path, change)
        after = {name: table.content_hash for name, table in contents(path).items()}
        assert [name for name in after if after[name] != before[name]] == ["main.fct_anc"], change
        before = after


def test_only_main_and_meta_are_published(settings: Settings, open_gate: None) -> None:
    alter(
        settings.warehouse, "CREATE SCHEMA intermediate", "CREATE TABLE intermediate.int_anc AS SELECT 1 AS patient_no"
    )
    release.publish(settings, FIRST)
    _, rows = query(settings, "SELECT DISTINCT schema_name FROM duckdb_tables() ORDER BY 1")
    assert rows == [("main",), ("meta",)]


def test_nothing_built_nothing_delivered_and_a_busy_build_file_are_said_so(settings: Settings, open_gate: None) -> None:
    code = "import sys, duckdb; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(settings.warehouse)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        other.stdout.readline()
        with pytest.raises(UserError, match="in use by process"):
            release.publish(settings, FIRST)
        other.stdin.close()
    alter(settings.warehouse, "DELETE FROM meta.input_file")
    with pytest.raises(UserError, match="nothing has been delivered yet"):
        release.publish(settings, FIRST)
    settings.warehouse.unlink()
    with pytest.raises(UserError, match="nothing has been built yet"):
        release.publish(settings, FIRST)
    assert list(settings.releases.iterdir()) == []


def test_the_dictionary_describes_tables_and_columns_from_the_models(
    built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drugs = dataclasses.replace(
        described()["main.dim_drug"], description="Drugs the\n  registry knows.", columns={"drug": ("varchar", "a | b")}
    )
    monkeypatch.setattr("registry.release.dictionary.described", lambda: {"main.dim_drug": drugs})
    tables = contents(built)
    text = markdown("2024-03-x", [tables["main.dim_drug"], tables["main.mart_incidence"]])
    assert "## main.dim_drug\n\nDrugs the registry knows.\n" in text
    assert "| `drug` | VARCHAR | a \\| b |" in text
    assert "| `interval_days` | INTEGER |  |" in text
    assert "## main.mart_incidence\n\n" in text


def test_tables_and_columns_are_described_in_the_database_too(settings: Settings, open_gate: None) -> None:
    folder = release.publish(settings, FIRST).path
    assert folder
    with duckdb.connect(str(folder / "registry.duckdb"), read_only=True) as connection:
        comments = connection.execute(
            "SELECT schema_name || '.' || table_name, column_name, comment FROM duckdb_columns() WHERE NOT internal"
        ).fetchall()
        found = connection.execute("SELECT comment FROM duckdb_tables() WHERE table_name = 'fct_dose'").fetchall()
    assert [(name, column) for name, column, comment in comments if not comment] == []
    assert ("main.dim_drug", "drug", described()["main.dim_drug"].columns["drug"][1]) in comments
    assert described()["main.fct_dose"].description in found[0][0]
    assert "Synthetic data" in found[0][0]


class TestQuery:
    """`registry sql`: the release in force, and nothing else."""

    @pytest.fixture(autouse=True)
    def _published(self, settings: Settings, open_gate: None) -> None:
        release.publish(settings, FIRST)

    def test_it_answers_from_the_release_in_force_or_another(self, settings: Settings) -> None:
        alter(settings.warehouse, *NEW_MONTH)
        release.publish(settings, SECOND)
        asked = "SELECT max(delivery) AS last_month FROM meta.input_file"
        assert query(settings, asked) == (["last_month"], [("2024-04",)])
        assert query(settings, asked, "2024-03-a1a1a1a1a1") == (["last_month"], [("2024-03",)])

    @pytest.mark.parametrize("nothing", ["-- nothing", ";", "/* a\n */ ;"])
    def test_it_says_that_nothing_is_asked(self, settings: Settings, nothing: str) -> None:
        with pytest.raises(UserError, match="no statement"):
            query(settings, nothing)

    def test_it_says_that_nothing_is_published(self, settings: Settings, tmp_path: Path) -> None:
        with pytest.raises(UserError, match="nothing is published yet"):
            query(dataclasses.replace(settings, home=tmp_path / "empty"), "SELECT 1")


def test_a_query_starts_without_dagster_dbt_or_great_expectations() -> None:
    code = (
        "import sys, registry.release.query;"
        "print([m for m in ('dagster', 'dbt', 'great_expectations', 'pandas', 'sqlalchemy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
